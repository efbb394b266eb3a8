// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/topic_config.h"

namespace skylark {
namespace {

std::int32_t integer_of(const json::Value& value, std::int32_t fallback) {
  return static_cast<std::int32_t>(value.as_integer(fallback));
}

}  // namespace

TopicConfig TopicConfig::from_json(const json::Value& value) {
  TopicConfig config;
  config.name = value["topicName"].as_string();
  config.read_queues = integer_of(value["readQueueNums"], config.read_queues);
  config.write_queues = integer_of(value["writeQueueNums"], config.write_queues);
  config.perm = integer_of(value["perm"], config.perm);
  config.multi_tag = value["topicFilterType"].as_string() == "MULTI_TAG";
  config.sys_flag = integer_of(value["topicSysFlag"], 0);
  config.order = value["order"].as_boolean();
  for (const auto& [key, text] : value["attributes"].members()) config.attributes[key.as_string()] = text.as_string();
  return config;
}

json::Value TopicConfig::to_json() const {
  json::Value written{json::Object{}};
  for (const auto& [key, text] : attributes) written.set(key, text);
  json::Value value;
  value.set("attributes", std::move(written));
  value.set("order", order);
  value.set("perm", perm);
  value.set("readQueueNums", read_queues);
  value.set("topicFilterType", multi_tag ? "MULTI_TAG" : "SINGLE_TAG");
  value.set("topicName", name);
  value.set("topicSysFlag", sys_flag);
  value.set("writeQueueNums", write_queues);
  return value;
}

TopicConfigTable TopicConfigTable::from_json(const json::Value& value) {
  TopicConfigTable table;
  table.version = DataVersion::from_json(value["dataVersion"]);
  for (const auto& [key, written] : value["topicConfigTable"].members()) {
    TopicConfig config = TopicConfig::from_json(written);
    if (config.name.empty()) config.name = key.as_string();
    table.topics.insert_or_assign(config.name, std::move(config));
  }
  return table;
}

json::Value TopicConfigTable::to_json() const {
  json::Value configs{json::Object{}};
  for (const auto& [name, config] : topics) configs.set(name, config.to_json());
  json::Value value;
  value.set("dataVersion", version.to_json());
  value.set("topicConfigTable", std::move(configs));
  return value;
}

json::Value TopicConfigTable::to_json_with_mapping() const {
  json::Value configs{json::Object{}};
  for (const auto& [name, config] : topics) configs.set(name, config.to_json());
  json::Value value;
  value.set("dataVersion", version.to_json());
  value.set("mappingDataVersion", version.to_json());
  value.set("topicConfigTable", std::move(configs));
  value.set("topicQueueMappingDetailMap", json::Object{});
  value.set("topicQueueMappingInfoMap", json::Object{});
  return value;
}

}  // namespace skylark
