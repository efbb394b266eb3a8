// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "broker/message_store.h"
#include "broker/transaction/finished_halves.h"
#include "protocol/message.h"
#include "protocol/remoting_command.h"

namespace skylark::broker {

struct HalfCheckOptions {
  std::int64_t timeout_ms = 6'000;              ///< transactionTimeOut: age of a half message before its first check.
  std::int32_t count_max = 15;                  ///< transactionCheckMax: checks of one message before it is given up.
  std::int64_t reserved_ms = 72 * 3'600'000LL;  ///< fileReservedTime: older ones are given up as well.
  std::string broker_name;
  Host store_host;
};

/// What checking needs from the rest of the broker.
struct HalfCheckPorts {
  /// Progress of the transaction group in a topic: the next offset, or -1 when there is none yet.
  std::function<std::int64_t(std::string_view topic)> query_progress;
  std::function<void(std::string_view topic, std::int64_t offset)> commit_progress;
  /// Sends a one-way request to a live producer of the group. False when there is none.
  std::function<bool(std::string_view group, RemotingCommand check)> send_check;
  /// Makes sure that the topic for half messages given up exists.
  std::function<void()> need_given_up_topic;
};

/// Walks the half topic: what is finished is passed, what is too young waits, what is old enough is stored again at the end with a
/// higher count while its producer is asked, what was asked too often moves to the given-up topic.
///
/// Progress of both queues is kept as consumer offsets. A crash repeats checks, it never drops a half message. A pass ends at a message
/// that the store may still get back. Threads: `run()` from one at a time. Source: TransactionalMessageServiceImpl.java check.
class HalfChecker {
 public:
  HalfChecker(MessageStore& store, Clock& clock, HalfCheckOptions options, HalfCheckPorts ports, FinishedHalves& finished);

  /// One pass, of bounded length.
  void run();
  /// Ends a running pass early, and every later one at once.
  void stop() noexcept { stopping_ = true; }

 private:
  struct Op {
    std::int64_t queue_offset = 0;
    std::vector<std::int64_t> half_offsets;
  };
  enum class Step { passed, wait };

  [[nodiscard]] std::int64_t progress(std::string_view topic) const;
  [[nodiscard]] bool comes_back(std::string_view topic, std::int64_t queue_offset);
  [[nodiscard]] bool read_ops();
  [[nodiscard]] bool is_finished(std::int64_t half_offset) const;
  [[nodiscard]] Step step(std::int64_t half_offset, const MessageView& half, std::int64_t pass_begin_ms);
  [[nodiscard]] Step renew_immune(std::int64_t half_offset, const MessageView& half);
  [[nodiscard]] Step ask(const MessageView& half, std::int64_t count);
  [[nodiscard]] Step give_up(const MessageView& half);
  void advance_ops(std::int64_t half_progress);

  MessageStore& store_;
  Clock& clock_;
  const HalfCheckOptions options_;
  const HalfCheckPorts ports_;
  FinishedHalves& finished_;

  std::vector<Op> ops_;                    ///< Read and not yet passed, in order.
  std::unordered_set<std::int64_t> done_;  ///< All offsets in `ops_`.
  std::int64_t next_op_ = -1;              ///< Behind the last of `ops_`; -1 before the first pass.
  std::atomic<bool> stopping_{false};
  std::set<std::int64_t> immune_;  ///< First offsets of immune messages that were stored again and are still open.
};

}  // namespace skylark::broker
