// Frames and fields of an operation's socket (addon/README.md).
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tbuild {

enum class FrameType : char {
  request = 'R',
  entry = 'E',
  data = 'D',
  end = 'Z',
  signal = 'S',
  window = 'W',
  progress = 'P',
  listing = 'L',
  stdout_bytes = 'O',
  stderr_bytes = 'e',
  result = 'X',
  error = '!',
};

constexpr size_t max_payload = 1u << 20;

// What failed, for people: the operation's step, its errno, the path it was about.
struct OperationError {
  std::string op;
  int error;
  std::string path;
  std::string message;
};

[[noreturn]] void fail(std::string op, int error, std::string path = {}, std::string message = {});

// A received run of "key=value\0". Views point into the frame that holds them.
class Fields {
public:
  explicit Fields(std::string_view payload);
  std::optional<std::string_view> find(std::string_view key) const;
  std::string_view get(std::string_view key) const; // fails with EINVAL when absent
  std::vector<std::string_view> all(std::string_view key) const;
  uint64_t number(std::string_view key, uint64_t fallback, int base = 10) const;
  bool flag(std::string_view key) const; // "1"

private:
  std::vector<std::pair<std::string_view, std::string_view>> items_;
};

// Builds a payload of fields.
class FieldsOut {
public:
  FieldsOut& add(std::string_view key, std::string_view value);
  FieldsOut& add(std::string_view key, uint64_t value);
  const std::string& payload() const { return payload_; }

private:
  std::string payload_;
};

struct Frame {
  FrameType type;
  std::string payload;
};

// One operation's socket: blocking, whole frames, EINTR handled. A send to a peer that is gone ends the worker quietly.
class Channel {
public:
  explicit Channel(int fd) : fd_(fd) {}
  int fd() const { return fd_; }
  bool receive(Frame& frame); // false at the end of the stream; fails on a malformed frame
  void send(FrameType type, std::string_view payload);
  void send(FrameType type, const FieldsOut& fields) { send(type, fields.payload()); }

  // From now on `advance` tells the peer: `P event=progress bytes=`.
  void tell_progress();
  // Counts bytes of content that are done with; a tenth of a second apart the sum is sent.
  void advance(uint64_t bytes) {
    if (tells_progress_)
      add_progress(bytes);
  }

  // Reads ahead, for operations that take very many small frames. Never poll fd() for input afterwards.
  void read_ahead() { buffer_.resize(256 * 1024); }
  // Ends the worker when the peer closed its end: called now and then by long work that neither sends nor receives.
  void leave_if_cancelled() const;
  // The same, looking only every 64th time: cheap enough for every file.
  void tick() {
    if (++ticks_ % 64 == 0)
      leave_if_cancelled();
  }

private:
  size_t read_some(char* out, size_t size);
  bool read_exactly(char* out, size_t size);
  size_t receive_bytes(char* out, size_t size);
  void add_progress(uint64_t bytes);

  int fd_;
  std::string buffer_;
  size_t begin_ = 0, end_ = 0;
  unsigned ticks_ = 0;
  bool tells_progress_ = false;
  uint64_t progress_ = 0;
  std::chrono::steady_clock::time_point told_;
};

} // namespace tbuild
