#include "walk.h"
#include "../common/directory.h"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/sysmacros.h>

namespace tbuild {
namespace {

char type_of(const struct stat& status) {
  switch (status.st_mode & S_IFMT) {
  case S_IFDIR:
    return 'd';
  case S_IFREG:
    return 'f';
  case S_IFLNK:
    return 'l';
  case S_IFCHR:
    return status.st_rdev == 0 ? 'w' : 'c';
  case S_IFBLK:
    return 'b';
  case S_IFIFO:
    return 'p';
  default:
    return 0;
  }
}

void check_marks(const OverlayMarks& marks, const std::string& path) {
  if (marks.foreign_content)
    fail("walk", EINVAL, path, "overlayfs keeps this entry's content in another layer (redirect_dir or metacopy)");
}

void read_link(int directory, const std::string& name, Entry& entry) {
  char target[4096];
  ssize_t size = readlinkat(directory, name.c_str(), target, sizeof target);
  if (size < 0)
    fail("readlink", errno, entry.path);
  entry.link.assign(target, static_cast<size_t>(size));
}

class Walker {
public:
  Walker(Tree& tree, Channel& channel) : tree_(tree), channel_(channel) {}

  std::vector<Found> all() {
    struct stat status;
    if (fstatat(tree_.root(), "", &status, AT_EMPTY_PATH) != 0)
      fail("stat", errno, tree_.root_path());
    found_.push_back(found_from("", status));
    // Indices, since the vector grows; each directory appends its children.
    for (size_t i = 0; i < found_.size(); i++) {
      if (found_[i].entry.type == 'd')
        walk_directory(i);
    }
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.entry.path < b.entry.path; });
    return std::move(found_);
  }

private:
  void walk_directory(size_t index) {
    const std::string path = found_[index].entry.path;
    UniqueFd fd(tree_.open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
    if (!fd.valid())
      fail("open", errno, path);
    OverlayMarks marks;
    int error = read_xattrs(fd.get(), found_[index].entry.xattrs, &marks);
    if (error != 0)
      fail("getxattr", error, path);
    check_marks(marks, path);
    found_[index].entry.opaque = marks.opaque;
    std::vector<DirectoryEntry> names;
    error = read_directory(fd.get(), names);
    if (error != 0)
      fail("readdir", error, path);
    for (const DirectoryEntry& name : names)
      add(fd.get(), path, name.name);
  }

  void add(int directory, const std::string& parent, const std::string& name) {
    channel_.tick();
    std::string path = parent.empty() ? name : parent + "/" + name;
    check_layer_path(path);
    struct stat status;
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      fail("stat", errno, path);
    Found found = found_from(std::move(path), status);
    if (found.entry.type == 'l')
      read_link(directory, name, found.entry);
    if (std::string_view("cbp").find(found.entry.type) != std::string_view::npos)
      read_special_xattrs(directory, name, found.entry);
    if (found.entry.type != 0)
      found_.push_back(std::move(found));
  }

  // Only a path reaches the attributes of what must not be opened. user.* cannot be there, but an ACL can.
  void read_special_xattrs(int directory, const std::string& name, Entry& entry) {
    OverlayMarks marks;
    int error = read_xattrs("/proc/self/fd/" + std::to_string(directory) + "/" + name, entry.xattrs, &marks);
    if (error != 0)
      fail("getxattr", error, entry.path);
  }

  Tree& tree_;
  Channel& channel_;
  std::vector<Found> found_;
};

} // namespace

Found found_from(std::string path, const struct stat& status) {
  Found found;
  Entry& entry = found.entry;
  entry.path = std::move(path);
  entry.type = type_of(status);
  found.device = status.st_dev;
  found.inode = status.st_ino;
  found.links = status.st_nlink;
  if (entry.type == 'w')
    return found;
  entry.mode = status.st_mode & 07777;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.mtime = status.st_mtim.tv_sec;
  found.mtime_ns = status.st_mtim.tv_nsec;
  if (entry.type == 'f')
    entry.size = static_cast<uint64_t>(status.st_size);
  if (entry.type == 'c' || entry.type == 'b') {
    entry.major = major(status.st_rdev);
    entry.minor = minor(status.st_rdev);
  }
  return found;
}

std::vector<Found> walk(Tree& tree, Channel& channel) { return Walker(tree, channel).all(); }

} // namespace tbuild
