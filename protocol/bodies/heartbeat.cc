// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/heartbeat.h"

#include "base/error.h"
#include "protocol/message.h"

namespace skylark {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

bool SubscriptionData::wants(std::int64_t tags_code) const noexcept {
  return matches_all() || codes.contains(static_cast<std::int32_t>(tags_code));
}

Result<SubscriptionData> SubscriptionData::parse(std::string_view topic, std::string_view expression) {
  SubscriptionData data;
  data.topic = topic;
  if (expression.empty() || expression == "*") return data;
  data.expression = expression;
  std::size_t at = 0;
  while (at <= expression.size()) {
    const auto end = std::min(expression.find("||", at), expression.size());
    if (const auto tag = trimmed(expression.substr(at, end - at)); !tag.empty()) {
      data.tags.emplace(tag);
      data.codes.insert(java_string_hash(tag));
    }
    at = end + 2;
  }
  // Like Java's split: an expression of separators alone has no parts at all and is an error; a blank one has one empty part.
  if (data.tags.empty() && trimmed(expression).find_first_not_of('|') == std::string_view::npos && !trimmed(expression).empty()) {
    return make_error_code(Errc::malformed);
  }
  return data;
}

SubscriptionData SubscriptionData::from_json(const json::Value& value) {
  SubscriptionData data;
  data.topic = value["topic"].as_string();
  data.expression = value["subString"].as_string();
  if (const auto type = value["expressionType"].as_string(); !type.empty()) data.expression_type = type;
  for (const auto& tag : value["tagsSet"].items()) data.tags.insert(tag.as_string());
  for (const auto& code : value["codeSet"].items()) data.codes.insert(static_cast<std::int32_t>(code.as_integer()));
  data.version = value["subVersion"].as_integer();
  data.class_filter = value["classFilterMode"].as_boolean();
  return data;
}

json::Value SubscriptionData::to_json() const {
  json::Value code_set{json::Array{}};
  for (const auto code : codes) code_set.push(code);
  json::Value tag_set{json::Array{}};
  for (const auto& tag : tags) tag_set.push(tag);
  json::Value value;
  value.set("classFilterMode", class_filter);
  value.set("codeSet", std::move(code_set));
  value.set("expressionType", expression_type);
  value.set("subString", expression);
  value.set("subVersion", version);
  value.set("tagsSet", std::move(tag_set));
  value.set("topic", topic);
  return value;
}

Result<HeartbeatData> HeartbeatData::parse(std::string_view body) {
  const auto parsed = json::parse(body);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return make_error_code(Errc::malformed);
  const json::Value& value = *parsed;
  HeartbeatData data;
  data.client_id = value["clientID"].as_string();
  data.fingerprint = static_cast<std::int32_t>(value["heartbeatFingerprint"].as_integer());
  data.without_subscriptions = value["withoutSub"].as_boolean();
  for (const auto& producer : value["producerDataSet"].items()) data.producer_groups.push_back(producer["groupName"].as_string());
  for (const auto& written : value["consumerDataSet"].items()) {
    ConsumerData consumer;
    consumer.group = written["groupName"].as_string();
    consumer.consume_type = written["consumeType"].as_string(consumer.consume_type);
    consumer.message_model = written["messageModel"].as_string(consumer.message_model);
    consumer.consume_from_where = written["consumeFromWhere"].as_string(consumer.consume_from_where);
    consumer.unit_mode = written["unitMode"].as_boolean();
    for (const auto& item : written["subscriptionDataSet"].items()) consumer.subscriptions.push_back(SubscriptionData::from_json(item));
    data.consumers.push_back(std::move(consumer));
  }
  return data;
}

json::Value HeartbeatData::to_json() const {
  json::Value consumer_set{json::Array{}};
  for (const auto& consumer : consumers) {
    json::Value subscription_set{json::Array{}};
    for (const auto& subscription : consumer.subscriptions) subscription_set.push(subscription.to_json());
    json::Value written;
    written.set("consumeFromWhere", consumer.consume_from_where);
    written.set("consumeType", consumer.consume_type);
    written.set("groupName", consumer.group);
    written.set("messageModel", consumer.message_model);
    written.set("subscriptionDataSet", std::move(subscription_set));
    written.set("unitMode", consumer.unit_mode);
    consumer_set.push(std::move(written));
  }
  json::Value producer_set{json::Array{}};
  for (const auto& group : producer_groups) {
    json::Value written;
    written.set("groupName", group);
    producer_set.push(std::move(written));
  }
  json::Value value;
  value.set("clientID", client_id);
  value.set("consumerDataSet", std::move(consumer_set));
  value.set("heartbeatFingerprint", fingerprint);
  value.set("producerDataSet", std::move(producer_set));
  value.set("withoutSub", without_subscriptions);
  return value;
}

CheckClientRequestBody CheckClientRequestBody::from_json(const json::Value& value) {
  return {.client_id = value["clientId"].as_string(),
          .group = value["group"].as_string(),
          .subscription = SubscriptionData::from_json(value["subscriptionData"])};
}

json::Value CheckClientRequestBody::to_json() const {
  json::Value value;
  value.set("clientId", client_id);
  value.set("group", group);
  value.set("subscriptionData", subscription.to_json());
  return value;
}

}  // namespace skylark
