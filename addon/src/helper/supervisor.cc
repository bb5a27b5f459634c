#include "supervisor.h"
#include "../common/unique_fd.h"
#include "worker.h"
#include <cerrno>
#include <fstream>
#include <poll.h>
#include <set>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace tbuild {
namespace {

enum class Received { operation, nothing, end };

// One message: a byte `O` and the descriptor of the operation's socket.
Received receive_operation(int control, UniqueFd& operation) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t got = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  if (got < 0)
    return errno == EINTR || errno == EAGAIN ? Received::nothing : Received::end;
  if (got == 0)
    return Received::end;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    operation.reset(*reinterpret_cast<const int*>(CMSG_DATA(header)));
  return operation.valid() && byte == 'O' ? Received::operation : Received::nothing;
}

void refuse_fork(int operation, int error) {
  Channel channel(operation);
  channel.send(FrameType::error, FieldsOut()
                                     .add("op", "fork")
                                     .add("errno", static_cast<uint64_t>(error))
                                     .add("message", "cannot start a worker process"));
}

// Orphans of killed workers are adopted here (PR_SET_CHILD_SUBREAPER), so that the helper's end means that nothing is
// left. Kernels without /proc/…/children do not show them; those have their own PR_SET_PDEATHSIG.
void kill_children(const std::set<pid_t>& workers) {
  for (pid_t worker : workers)
    kill(worker, SIGKILL);
  std::ifstream children("/proc/thread-self/children");
  for (pid_t child; children >> child;)
    kill(child, SIGKILL);
}

void reap(std::set<pid_t>& workers) {
  for (pid_t child; (child = waitpid(-1, nullptr, WNOHANG)) > 0;)
    workers.erase(child);
}

void end_everything(std::set<pid_t>& workers) {
  for (;;) {
    kill_children(workers);
    pid_t child = waitpid(-1, nullptr, 0);
    if (child < 0 && errno == ECHILD)
      return;
    workers.erase(child);
  }
}

} // namespace

void supervise(int control, const Options& options, const OperationError* start_error) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, nullptr);
  UniqueFd signals(signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  pid_t self = getpid();
  std::set<pid_t> workers;
  for (;;) {
    pollfd events[2] = {{control, POLLIN, 0}, {signals.get(), POLLIN, 0}};
    if (poll(events, 2, -1) < 0 && errno != EINTR)
      break;
    signalfd_siginfo info;
    while (read(signals.get(), &info, sizeof info) > 0)
      continue;
    reap(workers);
    if (events[0].revents == 0)
      continue;
    UniqueFd operation;
    Received received = receive_operation(control, operation);
    if (received == Received::end)
      break;
    if (received == Received::nothing)
      continue;
    pid_t worker = fork();
    if (worker == 0) {
      close(control);
      signals.reset();
      sigprocmask(SIG_UNBLOCK, &children, nullptr);
      work(std::move(operation), self, options, start_error);
    }
    if (worker < 0)
      refuse_fork(operation.get(), errno);
    else
      workers.insert(worker);
  }
  end_everything(workers);
}

} // namespace tbuild
