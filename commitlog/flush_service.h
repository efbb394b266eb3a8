// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "commitlog/commit_log.h"

namespace skylark::commitlog {

/// Flushes the commit log on a thread of its own: at an interval, and at once when asked. One flush serves everybody who asked before it
/// began. Source: CommitLog.FlushRealTimeService and GroupCommitService 5.3.
class FlushService {
 public:
  /// `flushed` runs on the flush thread after each flush that moved the end of what is durable, with that end; `failed` once, when a flush
  /// failed.
  FlushService(CommitLog& log, std::int64_t interval_ms, std::function<void(std::int64_t)> flushed, std::function<void()> failed);
  ~FlushService();
  FlushService(const FlushService&) = delete;
  FlushService& operator=(const FlushService&) = delete;

  void start();
  /// Flush soon. Threads: any.
  void request();
  /// Flushes what there is and joins.
  void stop();

 private:
  void run();
  bool flush();

  CommitLog& log_;
  const std::int64_t interval_ms_;
  const std::function<void(std::int64_t)> flushed_;
  const std::function<void()> failed_;
  std::mutex mutex_;
  std::condition_variable work_;
  bool requested_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skylark::commitlog
