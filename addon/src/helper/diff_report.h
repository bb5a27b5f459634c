// What `write` and `commit` answer: listing frames, then the digests.
#pragma once
#include "entry.h"
#include "frame.h"
#include "tar_stream.h"
#include <optional>

namespace tbuild {

class DiffReport {
public:
  DiffReport(Channel& channel, bool with_tar) : channel_(channel) {
    if (with_tar)
      tar_.emplace();
  }
  // Null when no diffID is wanted. The caller begins each entry there and feeds its content.
  TarStream* tar() { return tar_ ? &*tar_ : nullptr; }
  // Entries in listing order, complete.
  void add(const Entry& entry);
  void changed(const Entry& entry);
  void finish();

private:
  void flush();

  Channel& channel_;
  std::optional<TarStream> tar_;
  Sha256 listing_, state_;
  std::string text_, state_text_; // not yet hashed and sent
  uint64_t size_ = 0, entries_ = 0;
};

} // namespace tbuild
