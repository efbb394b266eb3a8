// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/message_queue.h"

#include "protocol/bodies/body.h"

namespace skylark {

MessageQueue MessageQueue::from_json(const json::Value& value) {
  return {.topic = value["topic"].as_string(), .broker_name = value["brokerName"].as_string(), .queue_id = value["queueId"].as_int32()};
}

json::Value MessageQueue::to_json() const {
  json::Value out;
  out.set("brokerName", broker_name);
  out.set("queueId", queue_id);
  out.set("topic", topic);
  return out;
}

QueueOffsets queue_offsets_from_json(const json::Value& value) {
  QueueOffsets offsets;
  for (const auto& [key, offset] : value.members()) offsets[MessageQueue::from_json(detail::key_object(key))] = offset.as_integer();
  return offsets;
}

}  // namespace skylark
