// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/bodies/data_version.h"
#include "protocol/bodies/message_queue.h"
#include "protocol/json.h"

namespace skylark {

/// Progress of all groups: answer to code 43, and `config/consumerOffset.json`. Source: ConsumerOffsetSerializeWrapper.java.
struct ConsumerOffsetTable {
  DataVersion version;
  std::map<std::string, std::map<std::int32_t, std::int64_t>> offsets;  ///< By `topic@group`, then queue id.

  [[nodiscard]] static ConsumerOffsetTable from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Progress of delay levels: answer to code 45, and `config/delayOffset.json`. Source: DelayOffsetSerializeWrapper.java.
struct DelayOffsetTable {
  DataVersion version;
  std::map<std::int32_t, std::int64_t> offsets;  ///< By delay level, from 1.

  [[nodiscard]] static DelayOffsetTable from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// New offsets of queues: body of code 220 and of the answer to 222. Source: ResetOffsetBody.java, ResetOffsetBodyForC.java.
struct ResetOffsetBody {
  QueueOffsets offsets;

  /// Reads both forms.
  [[nodiscard]] static ResetOffsetBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  /// The array form, for clients whose language is C++.
  [[nodiscard]] json::Value to_json_for_cpp() const;
};

/// Body of the answers to codes 221 (clients fill the first) and 223 (brokers fill the second). Source: GetConsumerStatusBody.java.
struct GetConsumerStatusBody {
  QueueOffsets message_queue_table;
  std::map<std::string, QueueOffsets> consumer_table;  ///< By client id.

  [[nodiscard]] static GetConsumerStatusBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 308. Source: QueryCorrectionOffsetBody.java.
struct QueryCorrectionOffsetBody {
  std::map<std::int32_t, std::int64_t> correction_offsets;  ///< By queue id.

  [[nodiscard]] static QueryCorrectionOffsetBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Times of a queue's messages and of a group's progress in it; milliseconds. Source: QueueTimeSpan.java.
struct QueueTimeSpan {
  std::int64_t consume_timestamp = 0;
  std::int64_t delay_ms = 0;
  std::int64_t max_timestamp = 0;
  MessageQueue queue;
  std::int64_t min_timestamp = 0;

  [[nodiscard]] static QueueTimeSpan from_json(const json::Value& value);
  /// With the three times also as local text, as Java's getters add them.
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 303. Source: QueryConsumeTimeSpanBody.java.
struct QueryConsumeTimeSpanBody {
  std::vector<QueueTimeSpan> spans;

  [[nodiscard]] static QueryConsumeTimeSpanBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
