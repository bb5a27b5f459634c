// The worker's side of a running sandbox: output to the channel, input and signals from it.
#pragma once
#include "frame.h"
#include "sandbox_control.h"
#include <optional>

namespace tbuild {

// The worker's ends; input is invalid when the command reads /dev/null. With a terminal all are, until PID 1 sends it.
struct RelayPipes {
  UniqueFd input, output, errors;
};

struct RelayedSandbox {
  pid_t init;
  bool takes_input, has_terminal;
  RelayPipes pipes;
};

struct SandboxEnd {
  std::optional<OperationError> failed;      // the set-up failed
  std::optional<OperationError> exec_failed; // the command could not be executed
  std::optional<int> command_status;         // as of wait(2)
  int init_status = 0;                       // as of wait(2)
};

// Returns when PID 1 is reaped, and with it all of the sandbox, and all output is sent. When the peer cancels, kills
// the sandbox, waits for its end and ends this process.
SandboxEnd relay_sandbox(Channel& channel, int control, RelayedSandbox sandbox);

} // namespace tbuild
