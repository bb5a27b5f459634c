#include "sandbox_stubs.h"
#include "frame.h"
#include "sandbox_attributes.h"
#include "sandbox_mount_calls.h"
#include "sandbox_resolve.h"
#include "sandbox_sys.h"
#include <set>
#include <sys/stat.h>

namespace tbuild {
namespace {

const std::string op = "make a mount point";

// A directory that the command changes is copied up from the topmost layer that has it, so this one must look the same.
void copy_attributes(int root, int stub, const std::string& path) {
  UniqueFd from(
      sys::openat2(root, path.c_str(), {O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, sys::resolve_in_root}));
  UniqueFd to(openat(stub, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!from.valid() || !to.valid())
    fail(op, errno, path);
  copy_directory_attributes(from.get(), to.get(), op, path);
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
