// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/detail/instance.h"
#include "client/message.h"
#include "client/options.h"

namespace skylark::client {

// Requests of consumers as coroutines on the io thread of an instance. Failures: network, `not_found` for an unknown broker, or
// the response code.

enum class PullStatus { found, no_new_message, no_matched_message, offset_illegal };

struct PullAnswer {
  PullStatus status = PullStatus::no_new_message;
  std::int64_t next_begin_offset = 0;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  std::int64_t suggested_broker_id = 0;
  std::vector<ReceivedMessage> messages;  ///< With `MIN_OFFSET` and `MAX_OFFSET` among their properties.
};

struct PullQuestion {
  std::string group;
  MessageQueue queue;
  std::int64_t offset = 0;
  std::int32_t count_max = 32;
  std::optional<std::int64_t> commit_offset;  ///< Recorded by the broker on the way.
  milliseconds hold{0};                       ///< How long the broker may wait for a message; 0 not at all.
  milliseconds timeout{30'000};
  SubscriptionData subscription;
  std::int64_t broker_id = 0;                 ///< Where to ask; the master when that one is not there.
};

Task<Outcome<PullAnswer>> pull(Instance& instance, PullQuestion question);

/// Empty when the broker holds no offset for a group that it has not seen yet (code 22).
Task<Outcome<std::optional<std::int64_t>>> committed_offset(Instance& instance, std::string group, MessageQueue queue);
Task<Outcome<>> commit_offset(Instance& instance, std::string group, MessageQueue queue, std::int64_t offset);
Task<Outcome<std::int64_t>> min_offset(Instance& instance, MessageQueue queue);
Task<Outcome<std::int64_t>> max_offset(Instance& instance, MessageQueue queue);
/// First offset stored at that time or later; the maximum when all are older.
Task<Outcome<std::int64_t>> offset_by_time(Instance& instance, MessageQueue queue, std::int64_t timestamp_ms);

/// Queues of the topic that this client reads: all of them when broadcasting, else its share among the live members.
/// A failure says that it cannot be told now: leave everything as it is.
Task<Outcome<std::vector<MessageQueue>>> share_of(Instance& instance, std::string group, MessageModel model, std::string topic);

/// Where a queue is read from first; see RebalancePushImpl.computePullFromWhere. `known` is what the group committed.
Task<Outcome<std::int64_t>> first_position(Instance& instance, std::string group, MessageQueue queue, std::optional<std::int64_t> known,
                                           StartFrom start_from, std::int64_t timestamp_ms);

/// Locks queues of one broker for this client; gives those that it holds now.
Task<Outcome<std::vector<MessageQueue>>> lock_queues(Instance& instance, std::string group, std::string broker_name,
                                                     std::vector<MessageQueue> queues);
/// One-way.
void unlock_queues(Instance& instance, const std::string& group, const std::string& broker_name, const std::vector<MessageQueue>& queues);

/// Has the broker store the message again for later: level -1 dead letters, 0 by the number of tries, else that level.
Task<Outcome<>> send_back(Instance& instance, std::string group, const ReceivedMessage& message, std::int32_t delay_level,
                          std::int32_t reconsume_times_max);

}  // namespace skylark::client
