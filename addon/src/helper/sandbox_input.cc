#include "sandbox_input.h"
#include <cerrno>

namespace tbuild {
namespace {

// What the peer may have sent and not seen reported.
constexpr size_t max_waiting = max_payload;
// Smaller pieces are reported when nothing waits any more.
constexpr size_t report_size = 64 * 1024;

} // namespace

void SandboxInput::open(UniqueFd pipe) {
  pipe_ = std::move(pipe);
  feed();
}

void SandboxInput::add(std::string_view bytes) {
  if (bytes_.size() + bytes.size() > max_waiting)
    fail("protocol", EPROTO, {}, "more input than may wait");
  if (reader_ == Reader::there)
    bytes_.append(bytes);
  feed();
}

void SandboxInput::end() {
  is_open_ = false;
  feed();
}

void SandboxInput::feed() {
  if (!pipe_.valid())
    return;
  if (!bytes_.empty()) {
    ssize_t wrote = write(pipe_.get(), bytes_.data(), bytes_.size());
    if (wrote >= 0) {
      bytes_.erase(0, static_cast<size_t>(wrote));
      taken_ += static_cast<size_t>(wrote);
    } else if (errno != EAGAIN && errno != EINTR) {
      reader_ = Reader::gone;
      close();
    }
  }
  if (bytes_.empty() && !is_open_)
    close();
}

void SandboxInput::close() {
  bytes_.clear();
  pipe_.reset();
}

bool SandboxInput::report(FieldsOut& fields) {
  if (reader_ == Reader::gone) {
    reader_ = Reader::reported;
    fields.add("event", "input-closed");
    return true;
  }
  if (taken_ == 0 || (taken_ < report_size && !bytes_.empty()))
    return false;
  fields.add("event", "input-taken").add("bytes", static_cast<uint64_t>(taken_));
  taken_ = 0;
  return true;
}

} // namespace tbuild
