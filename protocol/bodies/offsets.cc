// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/offsets.h"

#include <cstdio>
#include <ctime>

#include "protocol/bodies/body.h"

namespace skylark {
namespace {

std::map<std::int32_t, std::int64_t> numbered_from_json(const json::Value& value) {
  std::map<std::int32_t, std::int64_t> offsets;
  for (const auto& [key, offset] : value.members()) offsets[key.as_int32()] = offset.as_integer();
  return offsets;
}

/// `yyyy-MM-dd#HH:mm:ss:SSS` in local time. Source: UtilAll.timeMillisToHumanString2 with '#'.
std::string human_time(std::int64_t timestamp_ms) {
  const std::int64_t millis = ((timestamp_ms % 1000) + 1000) % 1000;
  const auto seconds = static_cast<std::time_t>((timestamp_ms - millis) / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d#%H:%M:%S", &local);
  std::string human(text, size);
  std::snprintf(text, sizeof text, ":%03d", static_cast<int>(millis));
  return human + text;
}

}  // namespace

ConsumerOffsetTable ConsumerOffsetTable::from_json(const json::Value& value) {
  ConsumerOffsetTable table;
  table.version = DataVersion::from_json(value["dataVersion"]);
  for (const auto& [key, queues] : value["offsetTable"].members()) table.offsets[key.as_string()] = numbered_from_json(queues);
  return table;
}

json::Value ConsumerOffsetTable::to_json() const {
  json::Value groups(json::Object{});
  for (const auto& [key, queues] : offsets) groups.set(key, detail::object_of(queues));
  json::Value out;
  out.set("dataVersion", version.to_json());
  out.set("offsetTable", std::move(groups));
  return out;
}

DelayOffsetTable DelayOffsetTable::from_json(const json::Value& value) {
  return {.version = DataVersion::from_json(value["dataVersion"]), .offsets = numbered_from_json(value["offsetTable"])};
}

json::Value DelayOffsetTable::to_json() const {
  json::Value out;
  out.set("dataVersion", version.to_json());
  out.set("offsetTable", detail::object_of(offsets));
  return out;
}

ResetOffsetBody ResetOffsetBody::from_json(const json::Value& value) {
  const json::Value& table = value["offsetTable"];
  ResetOffsetBody body{.offsets = queue_offsets_from_json(table)};
  for (const auto& item : table.items()) body.offsets[MessageQueue::from_json(item)] = item["offset"].as_integer();
  return body;
}

json::Value ResetOffsetBody::to_json() const {
  json::Value out;
  out.set("offsetTable", detail::object_of(offsets));
  return out;
}

json::Value ResetOffsetBody::to_json_for_cpp() const {
  json::Value items(json::Array{});
  for (const auto& [queue, offset] : offsets) {
    json::Value item;
    item.set("brokerName", queue.broker_name);
    item.set("offset", offset);
    item.set("queueId", queue.queue_id);
    item.set("topic", queue.topic);
    items.push(std::move(item));
  }
  json::Value out;
  out.set("offsetTable", std::move(items));
  return out;
}

GetConsumerStatusBody GetConsumerStatusBody::from_json(const json::Value& value) {
  GetConsumerStatusBody body;
  body.message_queue_table = queue_offsets_from_json(value["messageQueueTable"]);
  for (const auto& [client_id, queues] : value["consumerTable"].members()) {
    body.consumer_table[client_id.as_string()] = queue_offsets_from_json(queues);
  }
  return body;
}

json::Value GetConsumerStatusBody::to_json() const {
  json::Value clients(json::Object{});
  for (const auto& [client_id, queues] : consumer_table) clients.set(client_id, detail::object_of(queues));
  json::Value out;
  out.set("consumerTable", std::move(clients));
  out.set("messageQueueTable", detail::object_of(message_queue_table));
  return out;
}

QueryCorrectionOffsetBody QueryCorrectionOffsetBody::from_json(const json::Value& value) {
  return {.correction_offsets = numbered_from_json(value["correctionOffsets"])};
}

json::Value QueryCorrectionOffsetBody::to_json() const {
  json::Value out;
  out.set("correctionOffsets", detail::object_of(correction_offsets));
  return out;
}

QueueTimeSpan QueueTimeSpan::from_json(const json::Value& value) {
  return {.consume_timestamp = value["consumeTimeStamp"].as_integer(),
          .delay_ms = value["delayTime"].as_integer(),
          .max_timestamp = value["maxTimeStamp"].as_integer(),
          .queue = MessageQueue::from_json(value["messageQueue"]),
          .min_timestamp = value["minTimeStamp"].as_integer()};
}

json::Value QueueTimeSpan::to_json() const {
  json::Value out;
  out.set("consumeTimeStamp", consume_timestamp);
  out.set("consumeTimeStampStr", human_time(consume_timestamp));
  out.set("delayTime", delay_ms);
  out.set("maxTimeStamp", max_timestamp);
  out.set("maxTimeStampStr", human_time(max_timestamp));
  out.set("messageQueue", queue.to_json());
  out.set("minTimeStamp", min_timestamp);
  out.set("minTimeStampStr", human_time(min_timestamp));
  return out;
}

QueryConsumeTimeSpanBody QueryConsumeTimeSpanBody::from_json(const json::Value& value) {
  return {.spans = detail::vector_from<QueueTimeSpan>(value["consumeTimeSpanSet"])};
}

json::Value QueryConsumeTimeSpanBody::to_json() const {
  json::Value out;
  out.set("consumeTimeSpanSet", detail::array_of(spans));
  return out;
}

}  // namespace skylark
