// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/stats.h"

#include "protocol/bodies/body.h"

namespace skylark {
namespace {

template <class T>
std::map<MessageQueue, T> by_queue_from_json(const json::Value& value) {
  std::map<MessageQueue, T> table;
  for (const auto& [key, item] : value.members()) table[MessageQueue::from_json(detail::key_object(key))] = T::from_json(item);
  return table;
}

}  // namespace

OffsetWrapper OffsetWrapper::from_json(const json::Value& value) {
  return {.broker_offset = value["brokerOffset"].as_integer(),
          .consumer_offset = value["consumerOffset"].as_integer(),
          .last_timestamp = value["lastTimestamp"].as_integer(),
          .pull_offset = value["pullOffset"].as_integer()};
}

json::Value OffsetWrapper::to_json() const {
  json::Value out;
  out.set("brokerOffset", broker_offset);
  out.set("consumerOffset", consumer_offset);
  out.set("lastTimestamp", last_timestamp);
  out.set("pullOffset", pull_offset);
  return out;
}

ConsumeStats ConsumeStats::from_json(const json::Value& value) {
  return {.consume_tps = value["consumeTps"].as_double(), .offset_table = by_queue_from_json<OffsetWrapper>(value["offsetTable"])};
}

json::Value ConsumeStats::to_json() const {
  json::Value out;
  out.set("consumeTps", consume_tps);
  out.set("offsetTable", detail::object_of(offset_table));
  return out;
}

ConsumeStatsList ConsumeStatsList::from_json(const json::Value& value) {
  ConsumeStatsList list;
  list.broker_addr = value["brokerAddr"].as_string();
  for (const auto& item : value["consumeStatsList"].items()) {
    auto& groups = list.consume_stats.emplace_back();
    for (const auto& [group, stats] : item.members()) groups[group.as_string()] = detail::vector_from<ConsumeStats>(stats);
  }
  list.total_diff = value["totalDiff"].as_integer();
  list.total_inflight_diff = value["totalInflightDiff"].as_integer();
  return list;
}

json::Value ConsumeStatsList::to_json() const {
  json::Value items(json::Array{});
  for (const auto& groups : consume_stats) {
    json::Value item(json::Object{});
    for (const auto& [group, stats] : groups) item.set(group, detail::array_of(stats));
    items.push(std::move(item));
  }
  json::Value out;
  out.set("brokerAddr", broker_addr);
  out.set("consumeStatsList", std::move(items));
  out.set("totalDiff", total_diff);
  out.set("totalInflightDiff", total_inflight_diff);
  return out;
}

TopicOffset TopicOffset::from_json(const json::Value& value) {
  return {.last_update_timestamp = value["lastUpdateTimestamp"].as_integer(),
          .max_offset = value["maxOffset"].as_integer(),
          .min_offset = value["minOffset"].as_integer()};
}

json::Value TopicOffset::to_json() const {
  json::Value out;
  out.set("lastUpdateTimestamp", last_update_timestamp);
  out.set("maxOffset", max_offset);
  out.set("minOffset", min_offset);
  return out;
}

TopicStatsTable TopicStatsTable::from_json(const json::Value& value) {
  return {.offset_table = by_queue_from_json<TopicOffset>(value["offsetTable"]), .topic_put_tps = value["topicPutTps"].as_double()};
}

json::Value TopicStatsTable::to_json() const {
  json::Value out;
  out.set("offsetTable", detail::object_of(offset_table));
  out.set("topicPutTps", topic_put_tps);
  return out;
}

BrokerStatsItem BrokerStatsItem::from_json(const json::Value& value) {
  return {.average_per_call = value["avgpt"].as_double(), .sum = value["sum"].as_integer(), .tps = value["tps"].as_double()};
}

json::Value BrokerStatsItem::to_json() const {
  json::Value out;
  out.set("avgpt", average_per_call);
  out.set("sum", sum);
  out.set("tps", tps);
  return out;
}

BrokerStatsData BrokerStatsData::from_json(const json::Value& value) {
  return {.day = BrokerStatsItem::from_json(value["statsDay"]),
          .hour = BrokerStatsItem::from_json(value["statsHour"]),
          .minute = BrokerStatsItem::from_json(value["statsMinute"])};
}

json::Value BrokerStatsData::to_json() const {
  json::Value out;
  out.set("statsDay", day.to_json());
  out.set("statsHour", hour.to_json());
  out.set("statsMinute", minute.to_json());
  return out;
}

}  // namespace skylark
