// SPDX-License-Identifier: Apache-2.0
#include "broker/cold_reads.h"

#include <utility>

#include <pthread.h>

namespace skylark::broker {
namespace {

/// Holds the pins of an answer, and its bytes in the sum of all.
struct Counted {
  Counted(std::shared_ptr<std::atomic<std::int64_t>> sum_of_all, std::int64_t size_bytes) : sum(std::move(sum_of_all)), size(size_bytes) {
    sum->fetch_add(size);
  }
  ~Counted() { sum->fetch_sub(size); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  std::vector<std::shared_ptr<const void>> pins;
  const std::shared_ptr<std::atomic<std::int64_t>> sum;
  const std::int64_t size;
};

}  // namespace

void ColdReads::start() {
  const std::scoped_lock lock(mutex_);
  running_ = true;
  while (threads_.size() < static_cast<std::size_t>(limits_.threads)) threads_.emplace_back([this] { run(); });
}

void ColdReads::stop() {
  std::deque<std::function<void()>> dropped;
  {
    const std::scoped_lock lock(mutex_);
    running_ = false;
    dropped.swap(waiting_);
    work_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool ColdReads::submit(std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  if (!running_ || waiting_.size() >= limits_.waiting_max || *bytes_ >= limits_.bytes_max) return false;
  waiting_.push_back(std::move(job));
  work_.notify_one();
  return true;
}

void ColdReads::count(std::vector<PinnedSlice>& slices) const {
  std::int64_t size = 0;
  for (const PinnedSlice& slice : slices) size += static_cast<std::int64_t>(slice.bytes.size());
  if (size == 0) return;
  const auto counted = std::make_shared<Counted>(bytes_, size);
  for (PinnedSlice& slice : slices) {
    if (slice.pin) counted->pins.push_back(std::move(slice.pin));
  }
  slices.front().pin = counted;
}

std::size_t ColdReads::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size();
}

void ColdReads::run() {
  ::pthread_setname_np(::pthread_self(), "cold-reads");
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return !running_ || !waiting_.empty(); });
    if (!running_) return;
    const std::function<void()> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace skylark::broker
