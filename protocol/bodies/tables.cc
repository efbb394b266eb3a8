// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/tables.h"

#include "protocol/bodies/body.h"

namespace skylark {

KvTable KvTable::from_json(const json::Value& value) {
  KvTable body;
  for (const auto& [key, text] : value["table"].members()) body.table[key.as_string()] = text.as_string();
  return body;
}

json::Value KvTable::to_json() const {
  json::Value out;
  out.set("table", detail::object_of(table));
  return out;
}

TopicList TopicList::from_json(const json::Value& value) {
  TopicList list;
  if (!value["brokerAddr"].is_null()) list.broker_addr = value["brokerAddr"].as_string();
  list.topics = detail::strings_from(value["topicList"]);
  return list;
}

json::Value TopicList::to_json() const {
  json::Value out;
  if (broker_addr) out.set("brokerAddr", *broker_addr);
  out.set("topicList", detail::array_of(topics));
  return out;
}

GroupList GroupList::from_json(const json::Value& value) { return {.groups = detail::strings_from(value["groupList"])}; }

json::Value GroupList::to_json() const {
  json::Value out;
  out.set("groupList", detail::array_of(groups));
  return out;
}

ConsumerIdList ConsumerIdList::from_json(const json::Value& value) {
  return {.consumer_ids = detail::strings_from(value["consumerIdList"])};
}

json::Value ConsumerIdList::to_json() const {
  json::Value out;
  out.set("consumerIdList", detail::array_of(consumer_ids));
  return out;
}

}  // namespace skylark
