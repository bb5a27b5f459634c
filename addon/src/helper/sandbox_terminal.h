// The terminal of a sandbox: a pair of its own devpts, which has nothing to do with the caller's terminal.
#pragma once
#include "../common/unique_fd.h"
#include "sandbox_request.h"

namespace tbuild {

struct Terminal {
  UniqueFd master, slave;
};

// Makes the first pair of the devpts that is mounted as `pts` in `dev`. It belongs to the command's user, has the size
// of the request, is shown as /dev/console too, and is nobody's controlling terminal yet.
Terminal open_terminal(int dev, const SandboxRequest& request);

// From the leader of a session without one: this terminal is its controlling terminal.
void control_terminal(int slave);

void set_terminal_size(int terminal, TerminalSize size);

} // namespace tbuild
