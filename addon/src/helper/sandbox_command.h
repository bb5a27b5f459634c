// The process that becomes the command.
#pragma once
#include "sandbox_init.h"

namespace tbuild {

// In a child of PID 1, inside the finished root. Sends `starting`, then executes; or sends `exec_failed` or `failed`
// and ends.
[[noreturn]] void run_sandbox_command(const SandboxRequest& request, int control, CommandPipes pipes);

} // namespace tbuild
