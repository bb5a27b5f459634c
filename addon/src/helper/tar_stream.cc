#include "tar_stream.h"

namespace tbuild {
namespace {

constexpr size_t pending_limit = 256 * 1024;
constexpr char zeros[1024] = {};

} // namespace

void TarStream::begin(const Entry& entry) { put(tar_headers(entry)); }

void TarStream::end_content(uint64_t size) { put({zeros, (512 - size % 512) % 512}); }

void TarStream::finish() {
  put({zeros, sizeof zeros});
  flush();
}

void TarStream::put(std::string_view bytes) {
  size_ += bytes.size();
  if (pending_.size() + bytes.size() > pending_limit)
    flush();
  if (bytes.size() < pending_limit / 2) {
    pending_.append(bytes);
    return;
  }
  // What is pending comes first in the tar.
  flush();
  hash_.update(bytes);
  for (; channel_ != nullptr && !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), max_payload)))
    channel_->send(FrameType::data, bytes.substr(0, max_payload));
}

void TarStream::flush() {
  if (pending_.empty())
    return;
  hash_.update(pending_);
  if (channel_ != nullptr)
    channel_->send(FrameType::data, pending_);
  pending_.clear();
}

} // namespace tbuild
