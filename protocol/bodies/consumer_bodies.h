// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/bodies/heartbeat.h"
#include "protocol/bodies/message_queue.h"
#include "protocol/json.h"

namespace skylark {

/// State of one queue in a consumer. Source: ProcessQueueInfo.java.
struct ProcessQueueInfo {
  std::int32_t cached_message_count = 0;
  std::int64_t cached_message_max_offset = 0;
  std::int64_t cached_message_min_offset = 0;
  std::int32_t cached_message_size_mib = 0;
  std::int64_t commit_offset = 0;
  bool dropped = false;
  std::int64_t last_consume_timestamp = 0;
  std::int64_t last_lock_timestamp = 0;
  std::int64_t last_pull_timestamp = 0;
  bool locked = false;

  [[nodiscard]] static ProcessQueueInfo from_json(const json::Value& value);
  /// With the members of messages in work, all 0.
  [[nodiscard]] json::Value to_json() const;
};

/// Rates of one topic in a consumer. Source: ConsumeStatus.java.
struct ConsumeStatus {
  std::int64_t failed_messages = 0;
  double failed_tps = 0;
  double ok_tps = 0;
  double consume_rt_ms = 0;
  double pull_rt_ms = 0;
  double pull_tps = 0;

  [[nodiscard]] static ConsumeStatus from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// A consumer's account of itself: body of a client's answer to code 307. The broker passes it through unread.
/// Source: ConsumerRunningInfo.java.
struct ConsumerRunningInfo {
  std::optional<std::string> jstack;
  std::map<MessageQueue, ProcessQueueInfo> queues;
  std::map<std::string, std::string> properties;
  std::map<std::string, ConsumeStatus> status_by_topic;
  std::vector<SubscriptionData> subscriptions;

  [[nodiscard]] static ConsumerRunningInfo from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of a client's answer to code 309. Source: ConsumeMessageDirectlyResult.java.
struct ConsumeMessageDirectlyResult {
  bool auto_commit = true;
  std::string consume_result = "CR_SUCCESS";  ///< CR_SUCCESS, CR_LATER, CR_ROLLBACK, CR_COMMIT, CR_THROW_EXCEPTION, CR_RETURN_NULL.
  bool order = false;
  std::optional<std::string> remark;
  std::int64_t spent_ms = 0;

  [[nodiscard]] static ConsumeMessageDirectlyResult from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 345. Source: QuerySubscriptionResponseBody.java.
struct QuerySubscriptionResponseBody {
  std::string group;
  std::optional<SubscriptionData> subscription;
  std::string topic;

  [[nodiscard]] static QuerySubscriptionResponseBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// One entry of a consume queue. Source: ConsumeQueueData.java.
struct ConsumeQueueData {
  bool eval = false;
  std::int64_t physical_offset = 0;
  std::int32_t physical_size = 0;
  std::int64_t tags_code = 0;

  [[nodiscard]] static ConsumeQueueData from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 321. Source: QueryConsumeQueueResponseBody.java.
struct QueryConsumeQueueResponseBody {
  std::int64_t max_queue_index = 0;
  std::int64_t min_queue_index = 0;
  std::vector<ConsumeQueueData> queue_data;
  std::optional<SubscriptionData> subscription;

  [[nodiscard]] static QueryConsumeQueueResponseBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 353. Source: GroupForbidden.java.
struct GroupForbidden {
  std::string group;
  bool readable = true;
  std::string topic;

  [[nodiscard]] static GroupForbidden from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
