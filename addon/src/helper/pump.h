// Moves the content of a file once, to whoever needs it.
#pragma once
#include "frame.h"
#include "tar_stream.h"
#include <string>

namespace tbuild {

struct PumpTargets {
  int file = -1;             // written to
  Sha256* content = nullptr; // the content's own digest
  TarStream* tar = nullptr;  // as content of the entry that was begun there
  Channel* frames = nullptr; // as D frames
};

class Pump {
public:
  explicit Pump(Channel& channel);
  // At most `limit` bytes from the descriptor's position; returns how many there were. Ends the worker when the peer
  // closed the channel. Fails with `read` or `write` and `path`.
  uint64_t run(int from, uint64_t limit, const PumpTargets& targets, const std::string& path);
  // Up to `limit` bytes (at most capacity()) into the pump's own buffer.
  std::string_view read_whole(int from, size_t limit, const std::string& path);
  static constexpr size_t capacity() { return 1u << 20; }

private:
  uint64_t run_threaded(int from, uint64_t limit, const PumpTargets& targets, const std::string& path);
  Channel& channel_;
  std::string buffer_;
};

// Fails with `write` and `path`.
void write_all(int fd, std::string_view bytes, const std::string& path);

} // namespace tbuild
