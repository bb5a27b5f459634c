#include "sandbox_mount_calls.h"
#include "frame.h"
#include "sandbox_sys.h"

namespace tbuild {

UniqueFd new_filesystem(const char* type, const MountOptions& options, uint64_t attributes, const std::string& op) {
  UniqueFd context(sys::fsopen(type));
  if (!context.valid())
    fail(op, errno, type);
  for (const auto& [key, value] : options) {
    if (sys::fsconfig(context.get(), value ? sys::fsconfig_set_string : sys::fsconfig_set_flag, key, value) != 0)
      fail(op, errno, type, std::string("option ") + key);
  }
  if (sys::fsconfig(context.get(), sys::fsconfig_create, nullptr, nullptr) != 0)
    fail(op, errno, type);
  UniqueFd mount(sys::fsmount(context.get(), attributes));
  if (!mount.valid())
    fail(op, errno, type);
  return mount;
}

UniqueFd clone_mount(int dir, const char* path, bool recursive, const std::string& op) {
  unsigned flags = sys::open_tree_clone | sys::open_tree_cloexec | (recursive ? sys::at_recursive : 0) |
                   (*path ? 0 : sys::at_empty_path);
  UniqueFd mount(sys::open_tree(dir, path, flags));
  if (!mount.valid())
    fail(op, errno, path);
  return mount;
}

void set_mount_attributes(int mount, uint64_t attributes, bool recursive, const std::string& op,
                          const std::string& path) {
  if (sys::mount_setattr(mount, recursive ? sys::at_recursive : 0, {attributes, 0, 0, 0}) != 0)
    fail(op, errno, path);
}

void attach(int mount, int target, const std::string& op, const std::string& path) {
  if (sys::move_mount(mount, "", target, "", sys::move_from_empty | sys::move_to_empty) != 0)
    fail(op, errno, path);
}

// Magic links would lead to whatever a process has open; nothing in a root may depend on them.
UniqueFd open_in_root(int root, const std::string& path, int flags) {
  uint64_t resolve = sys::resolve_in_root | sys::resolve_no_magiclinks;
  return UniqueFd(sys::openat2(root, path.c_str(), {static_cast<uint64_t>(O_PATH | O_CLOEXEC | flags), 0, resolve}));
}

UniqueFd open_in_root_mount(int root, const std::string& path) {
  uint64_t resolve = sys::resolve_in_root | sys::resolve_no_magiclinks | sys::resolve_no_xdev;
  return UniqueFd(sys::openat2(root, path.c_str(), {O_PATH | O_CLOEXEC, 0, resolve}));
}

} // namespace tbuild
