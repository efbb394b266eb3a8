// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/consumer_bodies.h"

#include "protocol/bodies/body.h"

namespace skylark {

ProcessQueueInfo ProcessQueueInfo::from_json(const json::Value& value) {
  return {.cached_message_count = value["cachedMsgCount"].as_int32(),
          .cached_message_max_offset = value["cachedMsgMaxOffset"].as_integer(),
          .cached_message_min_offset = value["cachedMsgMinOffset"].as_integer(),
          .cached_message_size_mib = value["cachedMsgSizeInMiB"].as_int32(),
          .commit_offset = value["commitOffset"].as_integer(),
          .dropped = value["droped"].as_boolean(),
          .last_consume_timestamp = value["lastConsumeTimestamp"].as_integer(),
          .last_lock_timestamp = value["lastLockTimestamp"].as_integer(),
          .last_pull_timestamp = value["lastPullTimestamp"].as_integer(),
          .locked = value["locked"].as_boolean()};
}

json::Value ProcessQueueInfo::to_json() const {
  json::Value out;
  out.set("cachedMsgCount", cached_message_count);
  out.set("cachedMsgMaxOffset", cached_message_max_offset);
  out.set("cachedMsgMinOffset", cached_message_min_offset);
  out.set("cachedMsgSizeInMiB", cached_message_size_mib);
  out.set("commitOffset", commit_offset);
  out.set("droped", dropped);
  out.set("lastConsumeTimestamp", last_consume_timestamp);
  out.set("lastLockTimestamp", last_lock_timestamp);
  out.set("lastPullTimestamp", last_pull_timestamp);
  out.set("locked", locked);
  for (const char* name : {"transactionMsgCount", "transactionMsgMaxOffset", "transactionMsgMinOffset", "tryUnlockTimes"}) out.set(name, 0);
  return out;
}

ConsumeStatus ConsumeStatus::from_json(const json::Value& value) {
  return {.failed_messages = value["consumeFailedMsgs"].as_integer(),
          .failed_tps = value["consumeFailedTPS"].as_double(),
          .ok_tps = value["consumeOKTPS"].as_double(),
          .consume_rt_ms = value["consumeRT"].as_double(),
          .pull_rt_ms = value["pullRT"].as_double(),
          .pull_tps = value["pullTPS"].as_double()};
}

json::Value ConsumeStatus::to_json() const {
  json::Value out;
  out.set("consumeFailedMsgs", failed_messages);
  out.set("consumeFailedTPS", failed_tps);
  out.set("consumeOKTPS", ok_tps);
  out.set("consumeRT", consume_rt_ms);
  out.set("pullRT", pull_rt_ms);
  out.set("pullTPS", pull_tps);
  return out;
}

ConsumerRunningInfo ConsumerRunningInfo::from_json(const json::Value& value) {
  ConsumerRunningInfo info;
  if (!value["jstack"].is_null()) info.jstack = value["jstack"].as_string();
  for (const auto& [key, item] : value["mqTable"].members()) {
    info.queues[MessageQueue::from_json(detail::key_object(key))] = ProcessQueueInfo::from_json(item);
  }
  for (const auto& [key, text] : value["properties"].members()) info.properties[key.as_string()] = text.as_string();
  for (const auto& [topic, status] : value["statusTable"].members()) {
    info.status_by_topic[topic.as_string()] = ConsumeStatus::from_json(status);
  }
  info.subscriptions = detail::vector_from<SubscriptionData>(value["subscriptionSet"]);
  return info;
}

json::Value ConsumerRunningInfo::to_json() const {
  json::Value out;
  if (jstack) out.set("jstack", *jstack);
  out.set("mqPopTable", json::Object{});
  out.set("mqTable", detail::object_of(queues));
  out.set("properties", detail::object_of(properties));
  out.set("statusTable", detail::object_of(status_by_topic));
  out.set("subscriptionSet", detail::array_of(subscriptions));
  out.set("userConsumerInfo", json::Object{});
  return out;
}

ConsumeMessageDirectlyResult ConsumeMessageDirectlyResult::from_json(const json::Value& value) {
  ConsumeMessageDirectlyResult result;
  result.auto_commit = value["autoCommit"].as_boolean(true);
  result.consume_result = value["consumeResult"].as_string();
  result.order = value["order"].as_boolean();
  if (!value["remark"].is_null()) result.remark = value["remark"].as_string();
  result.spent_ms = value["spentTimeMills"].as_integer();
  return result;
}

json::Value ConsumeMessageDirectlyResult::to_json() const {
  json::Value out;
  out.set("autoCommit", auto_commit);
  out.set("consumeResult", consume_result);
  out.set("order", order);
  if (remark) out.set("remark", *remark);
  out.set("spentTimeMills", spent_ms);
  return out;
}

QuerySubscriptionResponseBody QuerySubscriptionResponseBody::from_json(const json::Value& value) {
  QuerySubscriptionResponseBody body;
  body.group = value["group"].as_string();
  if (value["subscriptionData"].is_object()) body.subscription = SubscriptionData::from_json(value["subscriptionData"]);
  body.topic = value["topic"].as_string();
  return body;
}

json::Value QuerySubscriptionResponseBody::to_json() const {
  json::Value out;
  out.set("group", group);
  if (subscription) out.set("subscriptionData", subscription->to_json());
  out.set("topic", topic);
  return out;
}

ConsumeQueueData ConsumeQueueData::from_json(const json::Value& value) {
  return {.eval = value["eval"].as_boolean(),
          .physical_offset = value["physicOffset"].as_integer(),
          .physical_size = value["physicSize"].as_int32(),
          .tags_code = value["tagsCode"].as_integer()};
}

json::Value ConsumeQueueData::to_json() const {
  json::Value out;
  out.set("eval", eval);
  out.set("physicOffset", physical_offset);
  out.set("physicSize", physical_size);
  out.set("tagsCode", tags_code);
  return out;
}

QueryConsumeQueueResponseBody QueryConsumeQueueResponseBody::from_json(const json::Value& value) {
  QueryConsumeQueueResponseBody body;
  body.max_queue_index = value["maxQueueIndex"].as_integer();
  body.min_queue_index = value["minQueueIndex"].as_integer();
  body.queue_data = detail::vector_from<ConsumeQueueData>(value["queueData"]);
  if (value["subscriptionData"].is_object()) body.subscription = SubscriptionData::from_json(value["subscriptionData"]);
  return body;
}

json::Value QueryConsumeQueueResponseBody::to_json() const {
  json::Value out;
  out.set("maxQueueIndex", max_queue_index);
  out.set("minQueueIndex", min_queue_index);
  out.set("queueData", detail::array_of(queue_data));
  if (subscription) out.set("subscriptionData", subscription->to_json());
  return out;
}

GroupForbidden GroupForbidden::from_json(const json::Value& value) {
  return {.group = value["group"].as_string(), .readable = value["readable"].as_boolean(true), .topic = value["topic"].as_string()};
}

json::Value GroupForbidden::to_json() const {
  json::Value out;
  out.set("group", group);
  out.set("readable", readable);
  out.set("topic", topic);
  return out;
}

}  // namespace skylark
