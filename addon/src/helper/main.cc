// The helper: see addon/README.md.
#include "frame.h"
#include "identity.h"
#include "options.h"
#include "sealed_copy.h"
#include "supervisor.h"
#include <fcntl.h>
#include <optional>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int control_fd = 3;

// What the parent ignored or blocked must not reach the commands of the sandboxes.
void reset_signals() {
  for (int number = 1; number < NSIG; number++)
    signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

} // namespace

int main(int argc, char** argv) {
  using namespace tbuild;
  syscall(SYS_close_range, control_fd + 1, ~0U, 0);
  fcntl(control_fd, F_SETFD, 0);
  reset_signals();
  setsid(); // Ctrl-C is Node's to handle: it cancels, and the end of the control socket ends everything here.
  umask(0);
  prctl(PR_SET_NAME, "tbuild-helper");
  Options options;
  std::optional<OperationError> start_error;
  try {
    options = parse_options(argc, argv);
    if (!options.ready) {
      enter_namespaces(options);
      execute_sealed_copy(argc, argv);
    }
  } catch (const OperationError& error) {
    start_error = error;
  }
  // Only now: newuidmap must own this process's /proc entries, and an exec makes it dumpable again.
  prctl(PR_SET_DUMPABLE, 0);
  fcntl(control_fd, F_SETFD, FD_CLOEXEC);
  supervise(control_fd, options, start_error ? &*start_error : nullptr);
  return 0;
}
