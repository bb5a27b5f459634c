// PID 1 of a sandbox: sets it up, starts the command, reaps, and takes everything with it when it ends.
#pragma once
#include "../common/unique_fd.h"
#include "sandbox_request.h"

namespace tbuild {

// The command's ends of its pipes, or its terminal thrice; input is invalid when it reads /dev/null.
struct CommandPipes {
  UniqueFd input, output, errors;
};

// Overwrites the secrets in the request. `pipes` has none where the request asks for a terminal.
[[noreturn]] void run_sandbox_init(SandboxRequest& request, UniqueFd control, CommandPipes pipes);

} // namespace tbuild
