#include "frame.h"
#include <cerrno>
#include <charconv>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tbuild {
namespace {

constexpr size_t header_size = 8;

// The peer is gone, so nobody is left to tell; sandboxes die with this process.
[[noreturn]] void leave() { _exit(0); }

void put_header(char* out, FrameType type, size_t length) {
  for (int i = 0; i < 4; i++)
    out[i] = static_cast<char>(length >> (8 * i) & 0xff);
  out[4] = static_cast<char>(type);
  out[5] = out[6] = out[7] = 0;
}

bool is_known(char type) {
  constexpr std::string_view types = "REDZSPLOeX!";
  return type != '\0' && types.find(type) != std::string_view::npos;
}

} // namespace

void fail(std::string op, int error, std::string path, std::string message) {
  throw OperationError{std::move(op), error, std::move(path), std::move(message)};
}

Fields::Fields(std::string_view payload) {
  while (!payload.empty()) {
    size_t end = payload.find('\0');
    std::string_view item = payload.substr(0, end);
    size_t equals = item.find('=');
    if (end == std::string_view::npos || equals == std::string_view::npos)
      fail("protocol", EPROTO, {}, "malformed fields");
    items_.emplace_back(item.substr(0, equals), item.substr(equals + 1));
    payload.remove_prefix(end + 1);
  }
}

std::optional<std::string_view> Fields::find(std::string_view key) const {
  for (const auto& [name, value] : items_) {
    if (name == key)
      return value;
  }
  return std::nullopt;
}

std::string_view Fields::get(std::string_view key) const {
  auto value = find(key);
  if (!value)
    fail("protocol", EINVAL, {}, "the field " + std::string(key) + " is missing");
  return *value;
}

std::vector<std::string_view> Fields::all(std::string_view key) const {
  std::vector<std::string_view> values;
  for (const auto& [name, value] : items_) {
    if (name == key)
      values.push_back(value);
  }
  return values;
}

uint64_t Fields::number(std::string_view key, uint64_t fallback, int base) const {
  auto value = find(key);
  if (!value)
    return fallback;
  uint64_t number = 0;
  auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number, base);
  if (error != std::errc() || end != value->data() + value->size())
    fail("protocol", EINVAL, {}, "the field " + std::string(key) + " is not a number");
  return number;
}

bool Fields::flag(std::string_view key) const { return find(key) == "1"; }

FieldsOut& FieldsOut::add(std::string_view key, std::string_view value) {
  payload_.append(key).push_back('=');
  // A NUL would let a path or message of hostile origin start a field of its own.
  payload_.append(value.substr(0, value.find('\0'))).push_back('\0');
  return *this;
}

FieldsOut& FieldsOut::add(std::string_view key, uint64_t value) { return add(key, std::to_string(value)); }

bool Channel::receive(Frame& frame) {
  char header[header_size];
  size_t got = read_some(header, header_size);
  if (got == 0)
    return false;
  if (got < header_size && read_exactly(header + got, header_size - got) == false)
    return false;
  size_t length = 0;
  for (int i = 0; i < 4; i++)
    length |= static_cast<size_t>(static_cast<unsigned char>(header[i])) << (8 * i);
  if (length > max_payload || !is_known(header[4]) || header[5] || header[6] || header[7])
    fail("protocol", EPROTO, {}, "malformed frame");
  frame.type = static_cast<FrameType>(header[4]);
  frame.payload.resize(length);
  return read_exactly(frame.payload.data(), length);
}

void Channel::send(FrameType type, std::string_view payload) {
  if (payload.size() > max_payload)
    fail("protocol", EMSGSIZE, {}, "a frame is too large");
  char header[header_size];
  put_header(header, type, payload.size());
  iovec parts[2] = {{header, header_size}, {const_cast<char*>(payload.data()), payload.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  while (message.msg_iovlen > 0) {
    ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR)
        continue;
      leave();
    }
    size_t rest = static_cast<size_t>(sent);
    while (message.msg_iovlen > 0 && rest >= message.msg_iov->iov_len) {
      rest -= message.msg_iov->iov_len;
      message.msg_iov++;
      message.msg_iovlen--;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + rest;
      message.msg_iov->iov_len -= rest;
    }
  }
}

constexpr auto progress_pace = std::chrono::milliseconds(100);

void Channel::tell_progress() {
  tells_progress_ = true;
  told_ = std::chrono::steady_clock::now();
}

void Channel::add_progress(uint64_t bytes) {
  progress_ += bytes;
  auto now = std::chrono::steady_clock::now();
  if (now - told_ < progress_pace)
    return;
  told_ = now;
  send(FrameType::progress, FieldsOut().add("event", "progress").add("bytes", progress_));
}

void Channel::leave_if_cancelled() const {
  // The peer shuts down its sending side to cancel, and waits for the end of this side.
  pollfd state{fd_, POLLRDHUP, 0};
  if (poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
    leave();
}

// At least one byte, or 0 at the end of the stream.
size_t Channel::read_some(char* out, size_t size) {
  if (begin_ == end_) {
    if (buffer_.empty() || size >= buffer_.size())
      return receive_bytes(out, size);
    begin_ = 0;
    end_ = receive_bytes(buffer_.data(), buffer_.size());
  }
  size_t count = std::min(size, end_ - begin_);
  memcpy(out, buffer_.data() + begin_, count);
  begin_ += count;
  return count;
}

bool Channel::read_exactly(char* out, size_t size) {
  while (size > 0) {
    size_t got = read_some(out, size);
    if (got == 0)
      return false;
    out += got;
    size -= got;
  }
  return true;
}

size_t Channel::receive_bytes(char* out, size_t size) {
  for (;;) {
    ssize_t got = recv(fd_, out, size, 0);
    if (got >= 0)
      return static_cast<size_t>(got);
    if (errno != EINTR)
      return 0;
  }
}

} // namespace tbuild
