#include "sandbox.h"
#include "sandbox_handover.h"
#include "sandbox_init.h"
#include "sandbox_relay.h"
#include "sandbox_sys.h"
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace tbuild {
namespace {

struct Pipes {
  RelayPipes ours;
  CommandPipes theirs;
};

void make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    fail("make a pipe", errno);
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
}

// The command's user must be able to open its own /dev/stdout, which takes the right owner.
void give(const SandboxRequest& request, const UniqueFd& pipe) {
  auto uid = request.own_userns ? outside_id(request.uid_map, request.uid) : request.uid;
  auto gid = request.own_userns ? outside_id(request.gid_map, request.gid) : request.gid;
  if (uid && gid && fchown(pipe.get(), *uid, *gid) != 0)
    fail("give the pipes to the user", errno);
}

Pipes make_pipes(const SandboxRequest& request) {
  Pipes pipes;
  if (request.terminal)
    return pipes;
  make_pipe(pipes.ours.output, pipes.theirs.output);
  make_pipe(pipes.ours.errors, pipes.theirs.errors);
  give(request, pipes.theirs.output);
  give(request, pipes.theirs.errors);
  if (request.has_input) {
    make_pipe(pipes.theirs.input, pipes.ours.input);
    give(request, pipes.theirs.input);
  }
  for (const UniqueFd* pipe : {&pipes.ours.output, &pipes.ours.errors, &pipes.ours.input}) {
    if (pipe->valid())
      fcntl(pipe->get(), F_SETFL, O_NONBLOCK);
  }
  return pipes;
}

void make_control(UniqueFd& ours, UniqueFd& theirs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    fail("make a socket pair", errno);
  ours.reset(ends[0]);
  theirs.reset(ends[1]);
  // The kernel then tells the sender's pid as it is here.
  int on = 1;
  if (setsockopt(ours.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    fail("make a socket pair", errno);
}

// PID 1, killed and reaped if this goes out of scope before the relay took over.
struct InitGuard {
  pid_t pid;
  ~InitGuard() {
    if (pid > 0) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }
};

pid_t start_init(SandboxRequest& request, UniqueFd& control, UniqueFd& theirs, Pipes& pipes) {
  uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  flags |= request.own_userns ? CLONE_NEWUSER : 0;
  flags |= request.own_network ? CLONE_NEWNET : 0;
  pid_t pid = sys::clone3(flags, SIGCHLD);
  if (pid < 0)
    fail(request.own_userns ? "create a user namespace" : "create namespaces", errno);
  if (pid == 0) {
    control.reset();
    pipes.ours = {};
    run_sandbox_init(request, std::move(theirs), std::move(pipes.theirs));
  }
  theirs.reset();
  pipes.theirs = {};
  return pid;
}

void report(const SandboxEnd& end, Channel& channel) {
  if (end.failed)
    throw OperationError(*end.failed);
  FieldsOut result;
  if (end.exec_failed) {
    const OperationError& error = *end.exec_failed;
    channel.send(FrameType::progress, FieldsOut()
                                          .add("event", "exec-failed")
                                          .add("op", error.op)
                                          .add("errno", static_cast<uint64_t>(error.error))
                                          .add("path", error.path)
                                          .add("message", error.message));
    channel.send(FrameType::stderr_bytes, "exec " + error.path + ": " + error.message + "\n");
    // As shells do: 127 for what is not there, 126 for what cannot be executed.
    result.add("exit", uint64_t{error.error == ENOENT ? 127u : 126u});
  } else if (end.command_status) {
    int status = *end.command_status;
    if (WIFSIGNALED(status))
      result.add("signal", static_cast<uint64_t>(WTERMSIG(status)));
    else
      result.add("exit", static_cast<uint64_t>(WEXITSTATUS(status)));
  } else if (WIFSIGNALED(end.init_status)) {
    result.add("signal", static_cast<uint64_t>(WTERMSIG(end.init_status)));
  } else {
    fail("run the command", EPROTO, {}, "the sandbox's PID 1 ended without an answer");
  }
  channel.send(FrameType::result, result);
}

// A peer that still sends input or a signal would take a closed socket for a failure and not read the result.
void wait_for_peer(Channel& channel) {
  shutdown(channel.fd(), SHUT_WR);
  char scrap[4096];
  while (recv(channel.fd(), scrap, sizeof scrap, 0) > 0)
    continue;
}

} // namespace

void run_sandbox(const Fields& fields, Channel& channel) {
  SandboxRequest request = receive_sandbox_request(fields, channel);
  signal(SIGPIPE, SIG_IGN);
  Pipes pipes = make_pipes(request);
  UniqueFd control, theirs;
  make_control(control, theirs);
  // The maps are written through /proc/PID of the new process, which takes after this one. PID 1 undoes it.
  prctl(PR_SET_DUMPABLE, 1);
  InitGuard init{start_init(request, control, theirs, pipes)};
  wipe_secrets(request.mounts);
  if (request.own_userns)
    write_sandbox_id_maps(init.pid, request);
  prctl(PR_SET_DUMPABLE, 0);
  hand_over_mounts(request, init.pid, control.get());
  pid_t pid = std::exchange(init.pid, -1);
  report(relay_sandbox(channel, control.get(),
                       {pid, request.has_input, request.terminal.has_value(), std::move(pipes.ours)}),
         channel);
  wait_for_peer(channel);
}

} // namespace tbuild
