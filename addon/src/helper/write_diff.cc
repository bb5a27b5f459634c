#include "diff_builder.h"
#include "operations.h"
#include <cerrno>
#include <unistd.h>

namespace tbuild {

void write_diff(const Fields& request, Channel& channel) {
  DiffBuilder builder(request, channel);
  channel.read_ahead();
  for (Frame frame; channel.receive(frame);) {
    switch (frame.type) {
    case FrameType::entry:
      builder.add(Fields(frame.payload));
      break;
    case FrameType::data:
      builder.data(frame.payload);
      break;
    case FrameType::end:
      return builder.finish();
    default:
      fail("protocol", EPROTO, {}, "unexpected frame");
    }
  }
  _exit(0); // cancelled
}

} // namespace tbuild
