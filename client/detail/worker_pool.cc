// SPDX-License-Identifier: Apache-2.0
#include "client/detail/worker_pool.h"

#include <algorithm>

namespace skylark::client {

WorkerPool::WorkerPool(std::size_t thread_count) {
  for (std::size_t i = 0; i < std::max<std::size_t>(thread_count, 1); ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) {
      waiting_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  job(false);
}

void WorkerPool::stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    dropped.swap(waiting_);
    wake_.notify_all();
  }
  for (Job& job : dropped) job(false);
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    if (stopped_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job(true);
    job = nullptr;
    lock.lock();
  }
}

}  // namespace skylark::client
