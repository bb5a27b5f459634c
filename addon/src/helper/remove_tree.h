// Removing whole trees.
#pragma once
#include "frame.h"
#include <string>

namespace tbuild {

// Removes `name` in the directory with all below it, never following a symlink nor entering a mount. What is absent is
// fine. Goes on after a failure and fails with the first. `path` is for messages.
void remove_tree(int parent, const std::string& name, const std::string& path, Channel& channel);

// The same of an absolute path whose parent the caller vouches for.
void remove_path(const std::string& path, Channel& channel);

} // namespace tbuild
