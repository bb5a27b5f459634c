// What only the worker may do for a sandbox that has a user namespace of its own: make idmapped mounts.
#pragma once
#include "sandbox_request.h"
#include <sys/types.h>

namespace tbuild {

// Sends PID 1 the mounts that it takes with HandedMounts: the directories, the job, what is bound and, for the host's
// network, /sys. Without idmapping, one empty note that says that the id maps are written.
void hand_over_mounts(const SandboxRequest& request, pid_t init, int control);

} // namespace tbuild
