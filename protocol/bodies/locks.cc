// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/locks.h"

#include "protocol/bodies/body.h"

namespace skylark {

LockBatchRequestBody LockBatchRequestBody::from_json(const json::Value& value) {
  return {.client_id = value["clientId"].as_string(),
          .consumer_group = value["consumerGroup"].as_string(),
          .queues = detail::vector_from<MessageQueue>(value["mqSet"]),
          .only_this_broker = value["onlyThisBroker"].as_boolean()};
}

json::Value LockBatchRequestBody::to_json() const {
  json::Value out;
  out.set("clientId", client_id);
  out.set("consumerGroup", consumer_group);
  out.set("mqSet", detail::array_of(queues));
  out.set("onlyThisBroker", only_this_broker);
  return out;
}

LockBatchResponseBody LockBatchResponseBody::from_json(const json::Value& value) {
  return {.locked = detail::vector_from<MessageQueue>(value["lockOKMQSet"])};
}

json::Value LockBatchResponseBody::to_json() const {
  json::Value out;
  out.set("lockOKMQSet", detail::array_of(locked));
  return out;
}

}  // namespace skylark
