#include "sandbox_frames.h"
#include <cerrno>
#include <sys/socket.h>

namespace tbuild {
namespace {

constexpr size_t header_size = 8;

} // namespace

void FrameQueue::add(FrameType type, std::string_view payload) {
  bytes_.erase(0, sent_);
  sent_ = 0;
  for (int i = 0; i < 4; i++)
    bytes_.push_back(static_cast<char>(payload.size() >> (8 * i)));
  bytes_.push_back(static_cast<char>(type));
  bytes_.append(3, '\0');
  bytes_.append(payload);
}

bool FrameQueue::send() {
  while (waits()) {
    ssize_t sent = ::send(channel_, bytes_.data() + sent_, bytes_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
      sent_ += static_cast<size_t>(sent);
    else if (errno == EAGAIN)
      return true;
    else if (errno != EINTR)
      return false;
  }
  return true;
}

std::optional<std::pair<FrameType, std::string_view>> FrameCutter::next() {
  std::string_view rest = std::string_view(bytes_).substr(at_);
  size_t length = 0;
  if (rest.size() >= header_size) {
    for (size_t i = 0; i < 4; i++)
      length |= static_cast<size_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
    if (length > max_payload)
      fail("protocol", EPROTO, {}, "malformed frame");
  }
  if (rest.size() < header_size + length) {
    bytes_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  }
  at_ += header_size + length;
  return std::pair{static_cast<FrameType>(rest[4]), rest.substr(header_size, length)};
}

} // namespace tbuild
