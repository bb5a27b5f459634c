#include "pump.h"
#include "hash_threads.h"
#include <cerrno>
#include <unistd.h>

namespace tbuild {
namespace {

// Below this, starting threads costs more than they save.
constexpr uint64_t threaded_size = 4u << 20;

size_t read_part(int from, char* out, size_t size, const std::string& path) {
  for (;;) {
    ssize_t got = read(from, out, size);
    if (got >= 0)
      return static_cast<size_t>(got);
    if (errno != EINTR)
      fail("read", errno, path);
  }
}

} // namespace

void write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put >= 0)
      bytes.remove_prefix(static_cast<size_t>(put));
    else if (errno != EINTR)
      fail("write", errno, path);
  }
}

Pump::Pump(Channel& channel) : channel_(channel), buffer_(capacity(), '\0') {}

std::string_view Pump::read_whole(int from, size_t limit, const std::string& path) {
  size_t done = 0;
  while (done < limit) {
    size_t got = read_part(from, buffer_.data() + done, limit - done, path);
    if (got == 0)
      break;
    done += got;
  }
  channel_.advance(done);
  return {buffer_.data(), done};
}

uint64_t Pump::run(int from, uint64_t limit, const PumpTargets& targets, const std::string& path) {
  if (limit >= threaded_size && (targets.content != nullptr || targets.tar != nullptr))
    return run_threaded(from, limit, targets, path);
  uint64_t done = 0;
  while (done < limit) {
    size_t got = read_part(from, buffer_.data(), std::min<uint64_t>(limit - done, buffer_.size()), path);
    if (got == 0)
      break;
    std::string_view bytes(buffer_.data(), got);
    if (targets.content != nullptr)
      targets.content->update(bytes);
    if (targets.tar != nullptr)
      targets.tar->content(bytes);
    if (targets.frames != nullptr)
      targets.frames->send(FrameType::data, bytes);
    if (targets.file >= 0)
      write_all(targets.file, bytes, path);
    done += got;
    channel_.advance(got);
    if (done > buffer_.size())
      channel_.leave_if_cancelled();
  }
  return done;
}

uint64_t Pump::run_threaded(int from, uint64_t limit, const PumpTargets& targets, const std::string& path) {
  HashThreads threads;
  if (targets.content != nullptr)
    threads.add([&](std::string_view bytes) { targets.content->update(bytes); });
  if (targets.tar != nullptr)
    threads.add([&](std::string_view bytes) { targets.tar->content(bytes); });
  uint64_t done = 0;
  while (done < limit) {
    HashThreads::Slot& slot = threads.free_slot();
    slot.size = read_part(from, slot.data(), std::min<uint64_t>(limit - done, slot.capacity()), path);
    if (slot.size == 0)
      break;
    threads.publish();
    std::string_view bytes(slot.data(), slot.size);
    if (targets.frames != nullptr)
      targets.frames->send(FrameType::data, bytes);
    if (targets.file >= 0)
      write_all(targets.file, bytes, path);
    done += slot.size;
    channel_.advance(slot.size);
    channel_.leave_if_cancelled();
  }
  threads.finish();
  return done;
}

} // namespace tbuild
