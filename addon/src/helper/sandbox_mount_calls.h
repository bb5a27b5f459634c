// Mounts as descriptors: made detached, then attached to a descriptor of their place, so that no path is walked twice.
#pragma once
#include "../common/unique_fd.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tbuild {

using MountOptions = std::vector<std::pair<const char*, const char*>>; // no value: a flag

// A new file system instance as a detached mount. `op` names the step in errors.
UniqueFd new_filesystem(const char* type, const MountOptions& options, uint64_t attributes, const std::string& op);

// A detached copy of the mount at `path`; of all mounts below it too, when recursive.
UniqueFd clone_mount(int dir, const char* path, bool recursive, const std::string& op);

void set_mount_attributes(int mount, uint64_t attributes, bool recursive, const std::string& op,
                          const std::string& path);

// Attaches a detached mount on what `target` (O_PATH) refers to.
void attach(int mount, int target, const std::string& op, const std::string& path);

// Opens (O_PATH) `path` with `root` as "/" for every symlink in it. Not valid, with errno, when that fails.
UniqueFd open_in_root(int root, const std::string& path, int flags = 0);

// The same without a way into another mount (EXDEV).
UniqueFd open_in_root_mount(int root, const std::string& path);

} // namespace tbuild
