#include "attributes.h"
#include "frame.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

namespace tbuild {
namespace {

constexpr std::string_view overlay_prefix = "user.overlay.";

// Reading must not make an inode dirty again, so only the modification time is set.
void fill_times(timespec (&times)[2], const Entry& entry) {
  times[0] = {0, UTIME_OMIT};
  times[1] = {static_cast<time_t>(entry.mtime), 0};
}

void refuse_chown(const Entry& entry, int error) {
  std::string message = error == EINVAL ? "the id " + std::to_string(entry.uid) + ":" + std::to_string(entry.gid) +
                                              " is not mapped in this user namespace"
                                        : std::string();
  fail("chown", error, entry.path, message);
}

// A new file belongs to 0:0; most stay so, and a chown is a journal transaction.
bool is_owned_already(const Entry& entry) { return entry.uid == 0 && entry.gid == 0; }

} // namespace

std::string name_on_disk(const std::string& name) {
  return name.starts_with(overlay_prefix) ? "user.overlay.overlay." + name.substr(overlay_prefix.size()) : name;
}

void set_attributes(int fd, const Entry& entry, bool mode_is_set) {
  bool owned = is_owned_already(entry);
  if (!owned && fchown(fd, entry.uid, entry.gid) != 0)
    refuse_chown(entry, errno);
  if ((!mode_is_set || (entry.mode & 07000) != 0) && fchmod(fd, entry.mode) != 0)
    fail("chmod", errno, entry.path);
  for (const Xattr& xattr : entry.xattrs) {
    if (fsetxattr(fd, name_on_disk(xattr.name).c_str(), xattr.value.data(), xattr.value.size(), 0) != 0)
      fail("setxattr", errno, entry.path, "cannot set " + xattr.name);
  }
}

void set_attributes_at(Tree& tree, const Entry& entry) {
  int parent = tree.directory(parent_of(entry.path));
  std::string name(name_of(entry.path));
  if (!is_owned_already(entry) && fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
    refuse_chown(entry, errno);
  // The parent is ours alone and this is no symlink, so that following one cannot happen.
  if (entry.type != 'l' && fchmodat(parent, name.c_str(), entry.mode, 0) != 0)
    fail("chmod", errno, entry.path);
  for (const Xattr& xattr : entry.xattrs) {
    if (lsetxattr(tree.proc_path(entry.path).c_str(), name_on_disk(xattr.name).c_str(), xattr.value.data(),
                  xattr.value.size(), 0) != 0)
      fail("setxattr", errno, entry.path, "cannot set " + xattr.name);
  }
}

void set_time(int fd, const Entry& entry) {
  timespec times[2];
  fill_times(times, entry);
  if (futimens(fd, times) != 0)
    fail("utimens", errno, entry.path);
}

void set_time_at(Tree& tree, const Entry& entry) {
  timespec times[2];
  fill_times(times, entry);
  std::string name(entry.path.empty() ? "." : name_of(entry.path));
  if (utimensat(tree.directory(parent_of(entry.path)), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    fail("utimens", errno, entry.path);
}

} // namespace tbuild
