#include "hash_threads.h"
#include <algorithm>

namespace tbuild {

void HashThreads::add(std::function<void(std::string_view)> consumer) {
  std::lock_guard lock(mutex_);
  size_t index = done_.size();
  done_.push_back(0);
  threads_.emplace_back([this, index, consumer = std::move(consumer)] { consume(index, consumer); });
}

HashThreads::Slot& HashThreads::free_slot() {
  std::unique_lock lock(mutex_);
  consumed_.wait(lock, [&] { return published_ - *std::min_element(done_.begin(), done_.end()) < slots_.size(); });
  return slots_[published_ % slots_.size()];
}

void HashThreads::publish() {
  {
    std::lock_guard lock(mutex_);
    published_++;
  }
  produced_.notify_all();
}

void HashThreads::consume(size_t index, const std::function<void(std::string_view)>& consumer) {
  for (;;) {
    Slot* slot = nullptr;
    {
      std::unique_lock lock(mutex_);
      produced_.wait(lock, [&] { return done_[index] < published_ || ended_; });
      if (done_[index] == published_)
        return;
      slot = &slots_[done_[index] % slots_.size()];
    }
    consumer({slot->data(), slot->size});
    {
      std::lock_guard lock(mutex_);
      done_[index]++;
    }
    consumed_.notify_one();
  }
}

void HashThreads::finish() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  produced_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

} // namespace tbuild
