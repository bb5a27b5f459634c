#include "sandbox_init.h"
#include "sandbox_command.h"
#include "sandbox_control.h"
#include "sandbox_dev.h"
#include "sandbox_masks.h"
#include "sandbox_mounts.h"
#include "sandbox_proc.h"
#include "sandbox_sys.h"
#include "sandbox_terminal.h"
#include <cstring>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace tbuild {
namespace {

constexpr const char* process_name = "tbuild-init";

// What is left of the helper in this process is nobody's business: not its memory, and not its arguments either, which
// /proc/1/cmdline would show to everybody.
void hide_process() {
  UniqueFd fd(open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  char arguments[8192];
  ssize_t length = read(fd.get(), arguments, sizeof arguments);
  if (length > 0) {
    memset(program_invocation_name, 0, static_cast<size_t>(length));
    strncpy(program_invocation_name, process_name, static_cast<size_t>(length) - 1);
  }
  prctl(PR_SET_NAME, process_name);
  if (prctl(PR_SET_DUMPABLE, 0) != 0)
    fail("hide the sandbox's PID 1", errno);
}

// A keyring of the caller's session (tickets, keys of encrypted directories) would be usable by its possessor.
void leave_session_keyring() {
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS)
    fail("join a new session keyring", errno);
}

void become_root_of_namespace(const SandboxRequest& request) {
  if (!request.own_userns)
    return;
  if ((!request.single && setgroups(0, nullptr) != 0) || setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
    fail("become root of the user namespace", errno);
}

// The worker's death ends PID 1, and that everything in the sandbox. A change of ids clears this setting.
void die_with_worker(int control) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    fail("tie the sandbox to its worker", errno);
  pollfd state{control, 0, 0};
  if (poll(&state, 1, 0) > 0 && (state.revents & POLLHUP))
    _exit(1);
}

void bring_loopback_up() {
  UniqueFd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  // A kernel without IPv4 has no such socket and nothing to bring up.
  if (socket_fd.valid() && ioctl(socket_fd.get(), SIOCSIFFLAGS, &request) != 0)
    fail("bring the loopback interface up", errno);
}

void enter_root(int root) {
  const std::string op = "change the root";
  // Both on one place: the old root is then on top of the new one, and goes with the detach.
  if (fchdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
    fail(op, errno);
}

// The relay has the master from here on, and nobody else.
CommandPipes pipes_to_terminal(int dev, const SandboxRequest& request, int control) {
  Terminal terminal = open_terminal(dev, request);
  CommandPipes pipes;
  for (UniqueFd* pipe : {&pipes.input, &pipes.output, &pipes.errors}) {
    pipe->reset(fcntl(terminal.slave.get(), F_DUPFD_CLOEXEC, 0));
    if (!pipe->valid())
      fail("open a terminal", errno);
  }
  Note note{NoteKind::terminal};
  note.descriptors.push_back(std::move(terminal.master));
  note.descriptors.push_back(std::move(terminal.slave));
  if (!send_note(control, note))
    _exit(1);
  return pipes;
}

void set_up(SandboxRequest& request, HandedMounts& handed, int control, CommandPipes& pipes) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    fail("make mounts private", errno, "/");
  if (!request.hostname.empty() && sethostname(request.hostname.data(), request.hostname.size()) != 0)
    fail("set the host name", errno, request.hostname);
  if (request.own_network)
    bring_loopback_up();
  SandboxRoot root = make_root(request, handed);
  wipe_secrets(request.mounts);
  make_masks(root, request);
  mount_proc(root.root.get());
  UniqueFd dev = mount_dev(root.root.get(), request);
  if (request.terminal)
    pipes = pipes_to_terminal(dev.get(), request, control);
  mount_sys(root, request, handed);
  protect_paths(root, request);
  mount_files(root, request);
  mount_all(root, request);
  enter_root(root.root.get());
}

// All that this process still does is to wait and to pass signals on.
void drop_privileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].effective = data[0].permitted = 1u << CAP_KILL;
  if (syscall(SYS_capset, &header, data) != 0)
    fail("drop privileges", errno);
}

void close_all_but(int keep) {
  if (keep > 0)
    sys::close_range(0, static_cast<unsigned>(keep) - 1);
  sys::close_range(static_cast<unsigned>(keep) + 1, ~0u);
}

// The wait status of the command once it has ended.
int reap_until_end(int control, pid_t command, int signals) {
  for (;;) {
    pollfd events[2] = {{signals, POLLIN, 0}, {control, POLLIN, 0}};
    if (poll(events, 2, -1) < 0 && errno != EINTR)
      _exit(1);
    signalfd_siginfo info;
    while (read(signals, &info, sizeof info) > 0)
      continue;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == command)
        return status;
    }
    if (events[1].revents == 0)
      continue;
    Note note;
    if (!receive_note(control, note))
      _exit(1);
    if (note.kind == NoteKind::signal)
      kill(command, note.value);
  }
}

[[noreturn]] void supervise_command(const SandboxRequest& request, UniqueFd control, CommandPipes pipes) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, nullptr);
  pid_t command = fork();
  if (command < 0)
    fail("start a process", errno);
  if (command == 0)
    run_sandbox_command(request, control.get(), std::move(pipes));
  close_all_but(control.get());
  drop_privileges();
  int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  int status = reap_until_end(control.get(), command, signals);
  send_note(control.get(), {NoteKind::ended, status});
  _exit(0); // the kernel kills and reaps what is left
}

} // namespace

void run_sandbox_init(SandboxRequest& request, UniqueFd control, CommandPipes pipes) {
  try {
    HandedMounts handed(control.get());
    if (!handed.begin())
      _exit(1);
    leave_session_keyring();
    become_root_of_namespace(request);
    die_with_worker(control.get());
    hide_process();
    setsid();
    umask(0022);
    rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    set_up(request, handed, control.get(), pipes);
    supervise_command(request, std::move(control), std::move(pipes));
  } catch (const OperationError& error) {
    send_note(control.get(), note_of(NoteKind::failed, error));
  } catch (const std::exception& error) {
    send_note(control.get(), note_of(NoteKind::failed, {"internal", EIO, {}, error.what()}));
  }
  _exit(1);
}

} // namespace tbuild
