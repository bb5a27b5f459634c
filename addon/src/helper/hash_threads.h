// A ring of buffers that several consumers read, each in a thread of its own and in order.
#pragma once
#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace tbuild {

class HashThreads {
public:
  class Slot {
  public:
    char* data() { return bytes_.get(); }
    static constexpr size_t capacity() { return 512 * 1024; }
    size_t size = 0;

  private:
    std::unique_ptr<char[]> bytes_ = std::make_unique_for_overwrite<char[]>(capacity());
  };

  ~HashThreads() { finish(); }
  void add(std::function<void(std::string_view)> consumer);
  // Waits for a buffer that every consumer is done with.
  Slot& free_slot();
  // The slot given out last holds `size` bytes; the producer may still read it until its next free_slot().
  void publish();
  // Waits until all is consumed.
  void finish();

private:
  void consume(size_t index, const std::function<void(std::string_view)>& consumer);

  std::mutex mutex_;
  std::condition_variable produced_, consumed_;
  std::array<Slot, 4> slots_;
  size_t published_ = 0;
  std::vector<size_t> done_; // per consumer
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

} // namespace tbuild
