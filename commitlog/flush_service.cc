// SPDX-License-Identifier: Apache-2.0
#include "commitlog/flush_service.h"

#include <algorithm>
#include <chrono>

#include <pthread.h>

namespace skylark::commitlog {

FlushService::FlushService(CommitLog& log, std::int64_t interval_ms, std::function<void(std::int64_t)> flushed,
                           std::function<void()> failed)
    : log_(log), interval_ms_(std::max<std::int64_t>(interval_ms, 1)), flushed_(std::move(flushed)), failed_(std::move(failed)) {}

FlushService::~FlushService() { stop(); }

void FlushService::start() {
  thread_ = std::thread([this] { run(); });
}

void FlushService::request() {
  {
    const std::scoped_lock lock(mutex_);
    if (requested_) return;
    requested_ = true;
  }
  work_.notify_one();  // Without the lock, which the thread would wake up to wait for.
}

void FlushService::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    work_.notify_one();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  flush();
}

void FlushService::run() {
  ::pthread_setname_np(::pthread_self(), "log-flush");
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      work_.wait_for(lock, std::chrono::milliseconds(interval_ms_), [this] { return requested_ || stopping_; });
      if (stopping_) return;
      requested_ = false;  // Before the flush: who asks during it wants another one.
    }
    if (!flush()) return;
  }
}

bool FlushService::flush() {
  const std::int64_t before = log_.flushed();
  if (log_.failed()) return false;
  const auto flushed = log_.flush();
  if (!flushed) {
    if (log_.failed()) failed_();
    return !log_.failed();
  }
  if (*flushed != before) flushed_(*flushed);
  return true;
}

}  // namespace skylark::commitlog
