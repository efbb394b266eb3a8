// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "protocol/remoting_command.h"

namespace skylark::broker {

/// Threads for what may wait for the disk, so that no io thread does: reads of messages that are no longer in memory, and queries.
/// What waits is bounded by number, what was read and not yet sent by bytes.
///
/// Life:    `start`, use, `stop`: the job under way ends, those that wait are dropped. Without `start`, or after `stop`, nothing is taken.
/// Threads: any; jobs run on the workers.
class ColdReads {
 public:
  struct Limits {
    std::int32_t threads = 4;
    std::size_t waiting_max = 100'000;
    std::int64_t bytes_max = 256 << 20;
  };

  explicit ColdReads(Limits limits) : limits_(limits) {}
  ~ColdReads() { stop(); }
  ColdReads(const ColdReads&) = delete;
  ColdReads& operator=(const ColdReads&) = delete;

  void start();
  void stop();
  /// False when too many wait, or too many bytes lie in answers that are not sent yet: the job was not taken.
  [[nodiscard]] bool submit(std::function<void()> job);
  /// Counts the bytes of an answer until the last of its slices is let go.
  void count(std::vector<PinnedSlice>& slices) const;

  [[nodiscard]] std::size_t waiting() const;
  /// In answers that are not sent yet.
  [[nodiscard]] std::int64_t bytes() const noexcept { return *bytes_; }

 private:
  void run();

  const Limits limits_;
  const std::shared_ptr<std::atomic<std::int64_t>> bytes_ = std::make_shared<std::atomic<std::int64_t>>(0);  // Answers may outlive this.
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::function<void()>> waiting_;
  bool running_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace skylark::broker
