// The /dev of a sandbox.
#pragma once
#include "sandbox_request.h"

namespace tbuild {

// Mounts a fresh /dev, pts, shm and mqueue under `root` (O_PATH).
void mount_dev(int root, const SandboxRequest& request);

} // namespace tbuild
