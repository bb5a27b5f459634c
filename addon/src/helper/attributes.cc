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

// user.overlay.* is overlayfs's own in an upper directory.
std::string name_on_disk(const std::string& name, const AttributeTarget& target) {
  if (!target.is_upper || !name.starts_with(overlay_prefix))
    return name;
  return "user.overlay.overlay." + name.substr(overlay_prefix.size());
}

// A new file of an upper directory belongs to 0:0; most stay so, and a chown is a journal transaction.
bool needs_chown(const Entry& entry, const AttributeTarget& target) {
  return entry.uid != 0 || entry.gid != 0 || !target.is_upper;
}

// Returns the mode that the file may have.
uint32_t after_chown(int result, const Entry& entry, AttributeTarget& target) {
  if (result == 0)
    return entry.mode;
  if (!target.is_upper && (errno == EPERM || errno == EINVAL)) {
    target.not_set++;
    return entry.mode & ~06000u;
  }
  int error = errno;
  std::string ids = std::to_string(entry.uid) + ":" + std::to_string(entry.gid);
  fail("chown", error, entry.path, error == EINVAL ? "the owner " + ids + " is not mapped in this user namespace" : "");
}

void after_setxattr(int result, const Entry& entry, const Xattr& xattr, AttributeTarget& target) {
  if (result == 0)
    return;
  if (target.is_upper || (errno != EPERM && errno != EINVAL && errno != ENOTSUP))
    fail("setxattr", errno, entry.path, "cannot set " + xattr.name);
  target.not_set++;
}

} // namespace

void set_attributes(int fd, const Entry& entry, bool mode_is_set, AttributeTarget& target) {
  uint32_t mode = entry.mode;
  if (needs_chown(entry, target))
    mode = after_chown(fchown(fd, entry.uid, entry.gid), entry, target);
  if ((!mode_is_set || (mode & 07000) != 0) && fchmod(fd, mode) != 0)
    fail("chmod", errno, entry.path);
  for (const Xattr& xattr : entry.xattrs) {
    std::string name = name_on_disk(xattr.name, target);
    after_setxattr(fsetxattr(fd, name.c_str(), xattr.value.data(), xattr.value.size(), 0), entry, xattr, target);
  }
}

void set_attributes_at(Tree& tree, const Entry& entry, AttributeTarget& target) {
  int parent = tree.directory(parent_of(entry.path));
  std::string file(name_of(entry.path));
  uint32_t mode = entry.mode;
  if (needs_chown(entry, target))
    mode = after_chown(fchownat(parent, file.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW), entry, target);
  // The parent is ours alone and this is no symlink, so that following one cannot happen.
  if (entry.type != 'l' && fchmodat(parent, file.c_str(), mode, 0) != 0)
    fail("chmod", errno, entry.path);
  for (const Xattr& xattr : entry.xattrs) {
    std::string path = tree.proc_path(entry.path), name = name_on_disk(xattr.name, target);
    after_setxattr(lsetxattr(path.c_str(), name.c_str(), xattr.value.data(), xattr.value.size(), 0), entry, xattr,
                   target);
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
