// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/connections.h"

#include "protocol/bodies/body.h"

namespace skylark {

ClientConnection ClientConnection::from_json(const json::Value& value) {
  return {.client_addr = value["clientAddr"].as_string(),
          .client_id = value["clientId"].as_string(),
          .language = language_from(value["language"].as_string()),
          .version = value["version"].as_int32()};
}

json::Value ClientConnection::to_json() const {
  json::Value out;
  out.set("clientAddr", client_addr);
  out.set("clientId", client_id);
  out.set("language", to_text(language));
  out.set("version", version);
  return out;
}

ConsumerConnection ConsumerConnection::from_json(const json::Value& value) {
  ConsumerConnection body;
  body.connections = detail::vector_from<ClientConnection>(value["connectionSet"]);
  body.consume_from_where = value["consumeFromWhere"].as_string(body.consume_from_where);
  body.consume_type = value["consumeType"].as_string(body.consume_type);
  body.message_model = value["messageModel"].as_string(body.message_model);
  for (const auto& [topic, data] : value["subscriptionTable"].members()) {
    body.subscriptions[topic.as_string()] = SubscriptionData::from_json(data);
  }
  return body;
}

json::Value ConsumerConnection::to_json() const {
  json::Value out;
  out.set("connectionSet", detail::array_of(connections));
  out.set("consumeFromWhere", consume_from_where);
  out.set("consumeType", consume_type);
  out.set("messageModel", message_model);
  out.set("subscriptionTable", detail::object_of(subscriptions));
  return out;
}

ProducerConnection ProducerConnection::from_json(const json::Value& value) {
  return {.connections = detail::vector_from<ClientConnection>(value["connectionSet"])};
}

json::Value ProducerConnection::to_json() const {
  json::Value out;
  out.set("connectionSet", detail::array_of(connections));
  return out;
}

ProducerInfo ProducerInfo::from_json(const json::Value& value) {
  return {.client_id = value["clientId"].as_string(),
          .language = language_from(value["language"].as_string()),
          .last_update_timestamp = value["lastUpdateTimestamp"].as_integer(),
          .remote_ip = value["remoteIP"].as_string(),
          .version = value["version"].as_int32()};
}

json::Value ProducerInfo::to_json() const {
  json::Value out;
  out.set("clientId", client_id);
  out.set("language", to_text(language));
  out.set("lastUpdateTimestamp", last_update_timestamp);
  out.set("remoteIP", remote_ip);
  out.set("version", version);
  return out;
}

ProducerTableInfo ProducerTableInfo::from_json(const json::Value& value) {
  ProducerTableInfo info;
  for (const auto& [group, producers] : value["data"].members()) {
    info.data[group.as_string()] = detail::vector_from<ProducerInfo>(producers);
  }
  return info;
}

json::Value ProducerTableInfo::to_json() const {
  json::Value groups(json::Object{});
  for (const auto& [group, producers] : data) groups.set(group, detail::array_of(producers));
  json::Value out;
  out.set("data", std::move(groups));
  return out;
}

}  // namespace skylark
