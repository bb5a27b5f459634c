// The /dev of a sandbox.
#pragma once
#include "../common/unique_fd.h"
#include "sandbox_request.h"

namespace tbuild {

// Mounts a fresh /dev, pts, shm and mqueue under `root` (O_PATH). Returns /dev.
UniqueFd mount_dev(int root, const SandboxRequest& request);

} // namespace tbuild
