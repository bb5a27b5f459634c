// The request's files and mounts on their targets.
#pragma once
#include "sandbox_root.h"

namespace tbuild {

// Covers the targets of the request's files. Targets that did not exist come from the stub layer.
void mount_files(const SandboxRoot& root, const SandboxRequest& request);

// Then its mounts, which may lie in each other, and cover the files. A target that is missing in another mount is made
// there, and stays there.
void mount_all(const SandboxRoot& root, const SandboxRequest& request);

} // namespace tbuild
