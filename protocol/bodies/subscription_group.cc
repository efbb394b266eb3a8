// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/subscription_group.h"

namespace skylark {

SubscriptionGroupConfig SubscriptionGroupConfig::from_json(const json::Value& value) {
  SubscriptionGroupConfig config;
  const auto integer = [&value](std::string_view key, std::int32_t fallback) {
    return static_cast<std::int32_t>(value[key].as_integer(fallback));
  };
  config.name = value["groupName"].as_string();
  config.consume_enable = value["consumeEnable"].as_boolean(true);
  config.consume_from_min_enable = value["consumeFromMinEnable"].as_boolean(true);
  config.consume_broadcast_enable = value["consumeBroadcastEnable"].as_boolean(true);
  config.consume_orderly = value["consumeMessageOrderly"].as_boolean(false);
  config.retry_queues = integer("retryQueueNums", config.retry_queues);
  config.retry_times_max = integer("retryMaxTimes", config.retry_times_max);
  config.broker_id = value["brokerId"].as_integer(config.broker_id);
  config.broker_when_slow = value["whichBrokerWhenConsumeSlowly"].as_integer(config.broker_when_slow);
  config.notify_ids_changed = value["notifyConsumerIdsChangedEnable"].as_boolean(true);
  config.sys_flag = integer("groupSysFlag", 0);
  config.consume_timeout_minutes = integer("consumeTimeoutMinute", config.consume_timeout_minutes);
  for (const auto& [key, text] : value["attributes"].members()) config.attributes[key.as_string()] = text.as_string();
  config.retry_policy = value["groupRetryPolicy"];
  config.subscription_data = value["subscriptionDataSet"];
  return config;
}

json::Value SubscriptionGroupConfig::to_json() const {
  json::Value written{json::Object{}};
  for (const auto& [key, text] : attributes) written.set(key, text);
  json::Value value;
  value.set("attributes", std::move(written));
  value.set("brokerId", broker_id);
  value.set("consumeBroadcastEnable", consume_broadcast_enable);
  value.set("consumeEnable", consume_enable);
  value.set("consumeFromMinEnable", consume_from_min_enable);
  value.set("consumeMessageOrderly", consume_orderly);
  value.set("consumeTimeoutMinute", consume_timeout_minutes);
  value.set("groupName", name);
  if (retry_policy.is_null()) {
    json::Value policy;
    policy.set("type", "CUSTOMIZED");
    value.set("groupRetryPolicy", std::move(policy));
  } else {
    value.set("groupRetryPolicy", retry_policy);
  }
  value.set("groupSysFlag", sys_flag);
  value.set("notifyConsumerIdsChangedEnable", notify_ids_changed);
  value.set("retryMaxTimes", retry_times_max);
  value.set("retryQueueNums", retry_queues);
  if (!subscription_data.is_null()) value.set("subscriptionDataSet", subscription_data);
  value.set("whichBrokerWhenConsumeSlowly", broker_when_slow);
  return value;
}

SubscriptionGroupTable SubscriptionGroupTable::from_json(const json::Value& value) {
  SubscriptionGroupTable table;
  table.version = DataVersion::from_json(value["dataVersion"]);
  for (const auto& [key, written] : value["subscriptionGroupTable"].members()) {
    SubscriptionGroupConfig config = SubscriptionGroupConfig::from_json(written);
    if (config.name.empty()) config.name = key.as_string();
    table.groups.insert_or_assign(config.name, std::move(config));
  }
  for (const auto& [group, topics] : value["forbiddenTable"].members()) {
    for (const auto& [topic, bits] : topics.members()) {
      table.forbidden[group.as_string()][topic.as_string()] = static_cast<std::int32_t>(bits.as_integer());
    }
  }
  return table;
}

json::Value SubscriptionGroupTable::to_json() const {
  json::Value refused{json::Object{}};
  for (const auto& [group, topics] : forbidden) {
    json::Value bits_by_topic{json::Object{}};
    for (const auto& [topic, bits] : topics) bits_by_topic.set(topic, bits);
    refused.set(group, std::move(bits_by_topic));
  }
  json::Value configs{json::Object{}};
  for (const auto& [name, config] : groups) configs.set(name, config.to_json());
  json::Value value;
  value.set("dataVersion", version.to_json());
  value.set("forbiddenTable", std::move(refused));
  value.set("subscriptionGroupTable", std::move(configs));
  return value;
}

}  // namespace skylark
