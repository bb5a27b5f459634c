// The canonical tar (docs/store-listing.md), into a hash or a hash and a channel.
#pragma once
#include "../common/sha256.h"
#include "entry.h"
#include "frame.h"

namespace tbuild {

// Copyable while it only hashes: a copy is a place to start again from.
class TarStream {
public:
  // Without a channel the bytes are only hashed and counted.
  explicit TarStream(Channel* channel = nullptr) : channel_(channel) {}

  // Everything of the entry but its content, which follows through `content` when it has some.
  void begin(const Entry& entry);
  void content(std::string_view bytes) { put(bytes); }
  // Pads the content of `size` bytes.
  void end_content(uint64_t size);
  void finish();

  uint64_t size() const { return size_; }
  std::string hex_digest() { return hash_.hex_digest(); }

private:
  void put(std::string_view bytes);
  void flush();

  Channel* channel_;
  Sha256 hash_;
  std::string pending_; // not yet hashed: hashing by header would be slow
  uint64_t size_ = 0;
};

// The header blocks of an entry, PAX header included, and of what follows a directory that is opaque.
std::string tar_headers(const Entry& entry);

} // namespace tbuild
