// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "broker/message_store.h"

namespace skylark::broker {

/// Puts whose answer waits for the disk or for replicas. Each is answered once: when all it waits for is true, when its deadlines have
/// passed, or at `stop`. A failure of replicas outweighs one of the disk, as in CommitLog.handleDiskFlushAndHA 5.3.
///
/// Threads: any. Callbacks run on the thread that made them due (the flusher, a replica's, or the timer's), without a lock held.
class PutWaiters {
 public:
  struct Wait {
    std::int64_t end = 0;                 ///< End of the records in the log.
    std::int64_t flush_deadline_ms = -1;  ///< Steady milliseconds; -1: does not wait for the disk.
    std::int64_t slave_deadline_ms = -1;  ///< The same for replicas.
    PutResult result;
    PutCallback callback;
  };

  explicit PutWaiters(Clock& clock);
  ~PutWaiters();
  PutWaiters(const PutWaiters&) = delete;
  PutWaiters& operator=(const PutWaiters&) = delete;

  /// Answers within the call when there is nothing left to wait for.
  void add(Wait wait);
  void flushed(std::int64_t end);
  /// Nothing will be flushed any more.
  void flush_failed();
  /// So many bytes are held by as many replicas as are needed; it never falls.
  void replicated(std::int64_t end);
  /// Answers everybody with what is true now, and joins the timer.
  void stop();

 private:
  /// Moves those that are done to `done_` order; called with the lock held.
  [[nodiscard]] std::vector<Wait> take_done(std::int64_t now_ms, bool all);
  [[nodiscard]] bool settle(Wait& wait, std::int64_t now_ms, bool all) const;
  static void answer(std::vector<Wait>& waits);
  void run();

  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::vector<Wait> waits_;
  std::int64_t flushed_ = -1;
  std::int64_t replicated_ = -1;
  bool flush_failed_ = false;
  bool resting_ = false;  ///< The timer sleeps until somebody waits; else it looks every few milliseconds, and nobody has to wake it.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skylark::broker
