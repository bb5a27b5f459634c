#include "sandbox_mounts.h"
#include "sandbox_mount_calls.h"
#include "sandbox_mount_sources.h"
#include "sandbox_sys.h"
#include <algorithm>
#include <sys/stat.h>

namespace tbuild {
namespace {

const std::string point_op = "make a mount point";

// A symlink of the image must not lead into another mount: what is meant for /etc/resolv.conf would land on a file of
// /proc.
UniqueFd open_in_image(const SandboxRoot& root, const std::string& path) {
  UniqueFd target = open_in_root_mount(root.root.get(), path);
  if (!target.valid())
    fail("open a mount point", errno, path,
         errno == EXDEV ? "a symlink of the image leads from here into another mount, /proc, /sys or /dev" : "");
  return target;
}

void make_entry(int parent, const std::string& name, bool directory, const std::string& path) {
  if (directory
          ? mkdirat(parent, name.c_str(), 0755) == 0
          : UniqueFd(openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)).valid())
    return;
  // Another user of a cache mount may have made it at the same time.
  if (errno == EEXIST)
    return;
  fail(point_op, errno, path, errno == EROFS ? "it is not there, and what is mounted around it is read-only" : "");
}

// Other sandboxes may change a shared tree at the same time, so each directory on the way is a descriptor that was
// resolved inside the root, and nothing but a single name is looked up in it.
UniqueFd open_or_make(const SandboxRoot& root, const std::string& path, bool directory) {
  UniqueFd found = open_in_root(root.root.get(), path);
  if (found.valid() || errno != ENOENT)
    return found;
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    bool last = slash == std::string::npos;
    std::string prefix = path.substr(0, slash);
    found = open_in_root(root.root.get(), prefix);
    if (!found.valid() && errno == ENOENT) {
      size_t parent_end = prefix.rfind('/');
      std::string above = parent_end == 0 ? "/" : prefix.substr(0, parent_end);
      UniqueFd parent = open_in_root(root.root.get(), above, O_DIRECTORY);
      if (!parent.valid())
        fail(point_op, errno, path);
      make_entry(parent.get(), prefix.substr(parent_end + 1), !last || directory, path);
      found = open_in_root(root.root.get(), prefix);
    }
    if (!found.valid() || last)
      return found;
  }
}

bool is_covered(const SandboxRequest& request, const std::string& path) {
  return path == "/sys" || path == "/dev" ||
         std::any_of(request.files.begin(), request.files.end(), [&](const auto& file) { return file.target == path; });
}

struct Target {
  UniqueFd place;
  bool existed;
};

Target open_target(const SandboxRoot& root, const SandboxRequest& request, size_t index) {
  const std::string& path = request.mounts[index].target;
  if (!is_covered(request, path) && !is_below_mount(request, index)) {
    bool missing = std::find(root.missing.begin(), root.missing.end(), path) != root.missing.end();
    return {open_in_image(root, path), !missing};
  }
  bool existed = open_in_root(root.root.get(), path).valid();
  UniqueFd place = open_or_make(root, path, is_directory_mount(request.mounts[index], root.mounts[index]));
  if (!place.valid())
    fail("open a mount point", errno, path);
  return {std::move(place), existed};
}

// As docker has it: over a directory of the image it has that one's mode.
UniqueFd make_tmpfs(const SandboxMount& mount, const struct stat& covered, bool existed) {
  char mode[8];
  snprintf(mode, sizeof mode, "%o", existed ? covered.st_mode & 07777u : 01777u);
  std::string size = std::to_string(mount.size);
  MountOptions options = {{"mode", mode}};
  if (mount.size > 0)
    options.push_back({"size", size.c_str()});
  uint64_t attributes = sys::attr_nosuid | sys::attr_nodev | (mount.writable ? 0 : sys::attr_rdonly);
  return new_filesystem("tmpfs", options, attributes, "mount a tmpfs");
}

void check_kinds(const SandboxMount& mount, bool directory, const struct stat& covered) {
  bool on_directory = S_ISDIR(covered.st_mode);
  if (directory == on_directory)
    return;
  fail("mount " + std::string(directory ? "a directory" : "a file"), on_directory ? EISDIR : ENOTDIR, mount.target,
       on_directory ? "there is a directory in its place" : "there is something else than a directory in its place");
}

} // namespace

void mount_files(const SandboxRoot& root, const SandboxRequest& request) {
  for (size_t i = 0; i < request.files.size(); i++) {
    const std::string& target = request.files[i].target;
    UniqueFd mount = clone_mount(root.scratch.get(), ("m/" + std::to_string(i)).c_str(), false, "mount a file");
    attach(mount.get(), open_in_image(root, target).get(), "mount a file", target);
  }
}

void mount_all(const SandboxRoot& root, const SandboxRequest& request) {
  for (size_t i = 0; i < request.mounts.size(); i++) {
    const SandboxMount& mount = request.mounts[i];
    Target target = open_target(root, request, i);
    struct stat covered;
    if (fstat(target.place.get(), &covered) != 0)
      fail("open a mount point", errno, mount.target);
    bool directory = is_directory_mount(mount, root.mounts[i]);
    check_kinds(mount, directory, covered);
    if (mount.type == MountType::tmpfs)
      attach(make_tmpfs(mount, covered, target.existed).get(), target.place.get(), "mount a tmpfs", mount.target);
    else
      attach(root.mounts[i].get(), target.place.get(), "mount " + std::string(directory ? "a directory" : "a file"),
             mount.target);
  }
}

} // namespace tbuild
