// Frames of a running sandbox's channel for somebody who must never block: the relay.
#pragma once
#include "frame.h"
#include <optional>
#include <string>
#include <string_view>

namespace tbuild {

// Frames on their way to the channel.
class FrameQueue {
public:
  explicit FrameQueue(int channel) : channel_(channel) {}
  bool waits() const { return sent_ < bytes_.size(); }
  // Behind what waits, since a frame must not be torn.
  void add(FrameType type, std::string_view payload);
  // Sends what the channel takes. False when the peer is gone.
  bool send();

private:
  int channel_;
  std::string bytes_;
  size_t sent_ = 0;
};

// Frames from the channel, cut out of bytes as they come.
class FrameCutter {
public:
  void add(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole frame; its payload holds until the next call of add. Fails on a malformed one.
  std::optional<std::pair<FrameType, std::string_view>> next();

private:
  std::string bytes_;
  size_t at_ = 0;
};

} // namespace tbuild
