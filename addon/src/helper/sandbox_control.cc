#include "sandbox_control.h"
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace tbuild {
namespace {

constexpr size_t max_text = 16 * 1024;

struct Header {
  uint8_t kind;
  int32_t value;
};

} // namespace

bool send_note(int socket, const Note& note) {
  Header header{static_cast<uint8_t>(note.kind), note.value};
  iovec parts[2] = {{&header, sizeof header},
                    {const_cast<char*>(note.text.data()), std::min(note.text.size(), max_text)}};
  alignas(cmsghdr) char control[CMSG_SPACE(max_note_descriptors * sizeof(int))];
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (!note.descriptors.empty()) {
    size_t length = note.descriptors.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(length);
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(length);
    auto* out = reinterpret_cast<int*>(CMSG_DATA(part));
    for (const auto& descriptor : note.descriptors)
      *out++ = descriptor.get();
  }
  ssize_t sent;
  do
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

bool receive_note(int socket, Note& note) {
  Header header{};
  std::string text(max_text, '\0');
  iovec parts[2] = {{&header, sizeof header}, {text.data(), text.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(max_note_descriptors * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do // A peer that ended with notes unread leaves ECONNRESET, once, in front of the notes that it had sent.
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < static_cast<ssize_t>(sizeof header))
    return false;
  text.resize(static_cast<size_t>(got) - sizeof header);
  note = Note{static_cast<NoteKind>(header.kind), header.value, std::move(text)};
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET)
      continue;
    if (part->cmsg_type == SCM_RIGHTS) {
      size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      auto* in = reinterpret_cast<int*>(CMSG_DATA(part));
      for (size_t i = 0; i < count; i++)
        note.descriptors.emplace_back(in[i]);
    } else if (part->cmsg_type == SCM_CREDENTIALS) {
      ucred sender;
      memcpy(&sender, CMSG_DATA(part), sizeof sender);
      note.sender = sender.pid;
    }
  }
  return true;
}

Note note_of(NoteKind kind, const OperationError& error) {
  return {kind, error.error, error.op + '\0' + error.path + '\0' + error.message};
}

OperationError error_of(const Note& note) {
  std::string parts[3];
  size_t at = 0;
  for (char c : note.text) {
    if (c == '\0' && at < 2)
      at++;
    else
      parts[at].push_back(c);
  }
  return {parts[0], note.value, parts[1], parts[2]};
}

} // namespace tbuild
