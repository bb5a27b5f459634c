// Paths that a command may not see, or not write to.
#pragma once
#include "sandbox_root.h"

namespace tbuild {

// Makes what is put over hidden paths and the request's files, in the scratch directory.
void make_masks(const SandboxRoot& root, const SandboxRequest& request);

// Covers a file with an empty one, a directory with an empty one, both read-only. What is absent is fine.
void mask_path(const SandboxRoot& root, const std::string& path);

// The request's hidden and read-only paths; `*` stands for any run of characters in one component.
void protect_paths(const SandboxRoot& root, const SandboxRequest& request);

} // namespace tbuild
