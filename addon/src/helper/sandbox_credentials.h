// The user, groups and capabilities of a command.
#pragma once
#include "sandbox_request.h"

namespace tbuild {

// As a container engine leaves them: bounding set as asked for; for uid 0 permitted and effective too, for others none;
// inheritable and ambient empty. Fails with a reason where an id is not mapped.
void become_user(const SandboxRequest& request);

} // namespace tbuild
