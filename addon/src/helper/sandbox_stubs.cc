#include "sandbox_stubs.h"
#include "frame.h"
#include "sandbox_mount_calls.h"
#include "sandbox_resolve.h"
#include "sandbox_sys.h"
#include <linux/limits.h>
#include <set>
#include <sys/stat.h>
#include <sys/xattr.h>

namespace tbuild {
namespace {

const std::string op = "make a mount point";

// The names of a directory's extended attributes, or none where there cannot be any.
std::vector<std::string> attribute_names(int dir, const std::string& path) {
  ssize_t size = flistxattr(dir, nullptr, 0);
  if (size < 0 && errno == EOPNOTSUPP)
    return {};
  std::string names(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  if (size > 0)
    size = flistxattr(dir, names.data(), names.size());
  if (size < 0)
    fail(op, errno, path);
  std::vector<std::string> out;
  for (size_t at = 0; at < static_cast<size_t>(size); at += out.back().size() + 1)
    out.emplace_back(names.c_str() + at);
  return out;
}

// A directory that the command changes is copied up from the topmost layer that has it, so this one must look the same.
void copy_attributes(int root, int stub, const std::string& path) {
  UniqueFd from(
      sys::openat2(root, path.c_str(), {O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, sys::resolve_in_root}));
  UniqueFd to(openat(stub, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (!from.valid() || !to.valid() || fstat(from.get(), &info) != 0)
    fail(op, errno, path);
  for (const auto& name : attribute_names(from.get(), path)) {
    char value[XATTR_SIZE_MAX];
    ssize_t size = fgetxattr(from.get(), name.c_str(), value, sizeof value);
    if (size < 0 || fsetxattr(to.get(), name.c_str(), value, static_cast<size_t>(size), 0) != 0)
      fail(op, errno, path, "the attribute " + name + " of this directory cannot be kept");
  }
  timespec times[2] = {info.st_atim, info.st_mtim};
  // The mode after the owner: chown clears set-id bits. The ACL's mask is part of the mode.
  if (fchown(to.get(), info.st_uid, info.st_gid) != 0 || fchmod(to.get(), info.st_mode & 07777) != 0 ||
      futimens(to.get(), times) != 0)
    fail(op, errno, path, "the owner of this directory cannot be kept");
}

void make_directory(int stub, const std::string& path) {
  if (mkdirat(stub, path.c_str(), 0755) != 0 && errno != EEXIST)
    fail(op, errno, path);
}

void make_file(int stub, const std::string& path) {
  UniqueFd fd(openat(stub, path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid())
    fail(op, errno, path);
}

} // namespace

std::vector<MountPoint> missing_mount_points(int root, const std::vector<MountPoint>& points) {
  std::vector<MountPoint> missing;
  for (const auto& point : points) {
    if (open_in_root(root, point.path).valid())
      continue;
    if (errno != ENOENT)
      fail(op, errno, point.path);
    missing.push_back(point);
  }
  return missing;
}

void make_stub_layer(int root, int where, const char* name, const std::vector<MountPoint>& missing) {
  if (mkdirat(where, name, 0755) != 0)
    fail(op, errno, name);
  UniqueFd stub(openat(where, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!stub.valid())
    fail(op, errno, name);
  std::set<std::string> existing;
  for (const auto& point : missing) {
    ResolvedPath resolved = resolve_in_root(root, point.path, op);
    size_t count = resolved.components.size();
    for (size_t i = 0; i < count; i++) {
      std::string path = resolved.prefix(i);
      if (i > 0)
        make_directory(stub.get(), path);
      if (i <= resolved.existing)
        existing.insert(path);
    }
    point.directory ? make_directory(stub.get(), resolved.prefix(count))
                    : make_file(stub.get(), resolved.prefix(count));
  }
  // Last, and the deepest first, so that no later entry changes a time again.
  for (auto path = existing.rbegin(); path != existing.rend(); path++)
    copy_attributes(root, stub.get(), *path);
}

} // namespace tbuild
