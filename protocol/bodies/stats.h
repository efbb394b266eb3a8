// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/bodies/message_queue.h"
#include "protocol/json.h"

namespace skylark {

/// Progress of a group in one queue. Source: OffsetWrapper.java.
struct OffsetWrapper {
  std::int64_t broker_offset = 0;
  std::int64_t consumer_offset = 0;
  std::int64_t last_timestamp = 0;  ///< Store time of the last message consumed, milliseconds.
  std::int64_t pull_offset = 0;

  [[nodiscard]] static OffsetWrapper from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 208. Source: ConsumeStats.java.
struct ConsumeStats {
  double consume_tps = 0;
  std::map<MessageQueue, OffsetWrapper> offset_table;

  [[nodiscard]] static ConsumeStats from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 317. Source: ConsumeStatsList.java.
struct ConsumeStatsList {
  std::string broker_addr;
  std::vector<std::map<std::string, std::vector<ConsumeStats>>> consume_stats;  ///< Each by group.
  std::int64_t total_diff = 0;
  std::int64_t total_inflight_diff = 0;

  [[nodiscard]] static ConsumeStatsList from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Bounds of one queue. Source: TopicOffset.java.
struct TopicOffset {
  std::int64_t last_update_timestamp = 0;  ///< Store time of the last message, milliseconds.
  std::int64_t max_offset = 0;
  std::int64_t min_offset = 0;

  [[nodiscard]] static TopicOffset from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 202. Source: TopicStatsTable.java.
struct TopicStatsTable {
  std::map<MessageQueue, TopicOffset> offset_table;
  double topic_put_tps = 0;

  [[nodiscard]] static TopicStatsTable from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Source: BrokerStatsItem.java.
struct BrokerStatsItem {
  double average_per_call = 0;
  std::int64_t sum = 0;
  double tps = 0;

  [[nodiscard]] static BrokerStatsItem from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 315. Source: BrokerStatsData.java.
struct BrokerStatsData {
  BrokerStatsItem day;
  BrokerStatsItem hour;
  BrokerStatsItem minute;

  [[nodiscard]] static BrokerStatsData from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
