// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "protocol/bodies/data_version.h"
#include "protocol/json.h"

namespace skylark {

/// Configuration of one consumer group on one broker. Source: SubscriptionGroupConfig.java.
struct SubscriptionGroupConfig {
  std::string name;
  bool consume_enable = true;
  bool consume_from_min_enable = true;
  bool consume_broadcast_enable = true;
  bool consume_orderly = false;
  std::int32_t retry_queues = 1;
  std::int32_t retry_times_max = 16;
  std::int64_t broker_id = 0;
  std::int64_t broker_when_slow = 1;  ///< whichBrokerWhenConsumeSlowly.
  bool notify_ids_changed = true;
  std::int32_t sys_flag = 0;
  std::int32_t consume_timeout_minutes = 15;
  std::map<std::string, std::string> attributes;
  json::Value retry_policy;       ///< groupRetryPolicy as it came; null is CUSTOMIZED with the default steps.
  json::Value subscription_data;  ///< subscriptionDataSet as it came; null is absent.

  [[nodiscard]] static SubscriptionGroupConfig from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// All groups of a broker. Source: SubscriptionGroupWrapper.java; the form of subscriptionGroup.json and of request 201.
struct SubscriptionGroupTable {
  DataVersion version;
  std::map<std::string, SubscriptionGroupConfig> groups;
  std::map<std::string, std::map<std::string, std::int32_t>> forbidden;  ///< Group → topic → bits by index (2: read).

  [[nodiscard]] static SubscriptionGroupTable from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
