#include "../common/unique_fd.h"
#include "arguments.h"
#include "failure.h"
#include "functions.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>

namespace tbuild {
namespace {

bool send_descriptor(int control, int fd) {
  char byte = 'O';
  iovec part{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ssize_t sent;
  do {
    sent = sendmsg(control, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == 1;
}

} // namespace

Napi::Value control_socket(const Napi::CallbackInfo& info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return throw_failure(info.Env(), {errno, "socketpair", {}});
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, Napi::Number::New(info.Env(), ends[0]));
  pair.Set(1u, Napi::Number::New(info.Env(), ends[1]));
  return pair;
}

Napi::Value start_operation(const Napi::CallbackInfo& info) {
  auto control = descriptor_argument(info, 0);
  if (!control)
    return throw_type_error(info.Env(), "startOperation(controlFd: number)");
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return throw_failure(info.Env(), {errno, "socketpair", {}});
  UniqueFd own(ends[0]), theirs(ends[1]);
  if (!send_descriptor(*control, theirs.get()))
    return throw_failure(info.Env(), {errno, "sendmsg", {}});
  // Only this end: the flag belongs to the open file description, and the helper blocks on its own.
  if (fcntl(own.get(), F_SETFL, O_NONBLOCK) != 0)
    return throw_failure(info.Env(), {errno, "fcntl", {}});
  return Napi::Number::New(info.Env(), own.release());
}

Napi::Value close_descriptor(const Napi::CallbackInfo& info) {
  auto fd = descriptor_argument(info, 0);
  if (!fd)
    return throw_type_error(info.Env(), "closeDescriptor(fd: number)");
  // EINTR too has closed it on Linux.
  if (close(*fd) != 0 && errno != EINTR)
    return throw_failure(info.Env(), {errno, "close", {}});
  return info.Env().Undefined();
}

} // namespace tbuild
