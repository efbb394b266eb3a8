// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_topics.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "broker/consumer_offset_manager.h"
#include "broker/handlers/answer_when_written.h"
#include "broker/handlers/answers.h"
#include "broker/handlers/attributes.h"
#include "broker/message_store.h"
#include "broker/topic_config_manager.h"
#include "broker/topic_names.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/tables.h"

namespace skylark::broker {
namespace {

RemotingCommand refuse(const RemotingCommand& request, Refusal refusal) { return answer(request, refusal.code, std::move(refusal.remark)); }

std::string system_topic_conflict(const std::string& topic) { return fmt::format("The topic[{}] is conflict with system topic.", topic); }

}  // namespace

std::optional<Refusal> TopicAdmin::settle(TopicConfig& config) const {
  if (auto problem = topic_name_problem(config.name)) return Refusal{ResponseCode::invalid_parameter, std::move(*problem)};
  if (topics_.is_system_topic(config.name)) return Refusal{ResponseCode::invalid_parameter, system_topic_conflict(config.name)};
  const auto message_type = config.attributes.find("+message.type");
  if (message_type != config.attributes.end() && message_type->second == "MIXED") {
    return Refusal{ResponseCode::invalid_parameter, "MIXED message type is not supported."};
  }
  const auto present = topics_.find(config.name);
  auto change = alter_attributes(!present, topic_attribute_rules(), present ? present->attributes : Attributes{}, config.attributes);
  if (!change.problem.empty()) return Refusal{ResponseCode::system_error, std::move(change.problem)};
  config.attributes = std::move(change.attributes);
  return std::nullopt;
}

remoting::Reply TopicAdmin::update(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<CreateTopicRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<CreateTopicRequestHeader>(request));
  auto asked = parse_attribute_text(header->attributes.value_or(""));

  TopicConfig config;
  config.name = header->topic;
  config.read_queues = header->read_queue_nums;
  config.write_queues = header->write_queue_nums;
  config.perm = header->perm;
  config.multi_tag = header->topic_filter_type == "MULTI_TAG";
  config.sys_flag = header->topic_sys_flag.value_or(0);
  config.order = header->order;
  config.attributes = std::move(asked.attributes);
  if (auto refusal = settle(config)) return refuse(request, std::move(*refusal));
  if (!asked.problem.empty()) return answer(request, ResponseCode::system_error, std::move(asked.problem));

  const auto present = topics_.find(config.name);
  if (!present || *present != config) topics_.update(std::move(config));
  return answer_when_written(table_, request, connection, answer(request, ResponseCode::success));
}

remoting::Reply TopicAdmin::update_list(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto body = json::parse(request.body.view());
  if (!body) return answer(request, ResponseCode::system_error, "the body is no list of topics");
  std::vector<TopicConfig> configs;
  for (const json::Value& item : (*body)["topicConfigList"].items()) {
    TopicConfig config = TopicConfig::from_json(item);
    if (auto refusal = settle(config)) return refuse(request, std::move(*refusal));
    const auto present = topics_.find(config.name);
    if (present && *present == config) {  // As Java does: the rest is left alone.
      return answer_when_written(table_, request, connection, answer(request, ResponseCode::success));
    }
    configs.push_back(std::move(config));
  }
  topics_.update_all(std::move(configs));
  return answer_when_written(table_, request, connection, answer(request, ResponseCode::success));
}

remoting::Reply TopicAdmin::list(RemotingCommand& request) {
  RemotingCommand response = answer(request, ResponseCode::success);
  response.body = Body(json::write(topics_.all().to_json_with_mapping()));
  return response;
}

remoting::Reply TopicAdmin::remove(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<DeleteTopicRequestHeader>(request);
  if (!header || header->topic.empty()) return answer(request, ResponseCode::invalid_parameter, "The specified topic is blank.");
  if (topics_.is_system_topic(header->topic)) return answer(request, ResponseCode::invalid_parameter, system_topic_conflict(header->topic));

  // Groups that popped from the topic have retry topics of their own for it.
  for (const std::string& group : offsets_.groups_of(header->topic)) {
    for (const char separator : {'_', '+'}) {
      const std::string pop_retry_topic = retry_topic(group) + separator + header->topic;
      if (topics_.contains(pop_retry_topic)) remove_one(pop_retry_topic);
    }
  }
  remove_one(header->topic);
  return answer_when_written(table_, request, connection, answer(request, ResponseCode::success));
}

void TopicAdmin::remove_one(const std::string& topic) {
  topics_.remove(topic);
  offsets_.remove_topic(topic);
  store_.delete_topic(topic);
  log::info("topic {} is deleted", topic);
}

remoting::Reply TopicAdmin::system_topics(RemotingCommand& request) {
  TopicList body;
  const auto topics = topics_.system_topics();
  body.topics.assign(topics.begin(), topics.end());
  return answer_body(request, body);
}

remoting::Reply TopicAdmin::clean_unused(RemotingCommand& request) {
  const std::int32_t removed = store_.delete_topics_except(topics_.names());
  log::info("queues of {} topics that are no longer configured are deleted", removed);
  return answer(request, ResponseCode::success);
}

remoting::Reply TopicAdmin::get(RemotingCommand& request) {
  const auto header = decode_header<GetTopicConfigRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetTopicConfigRequestHeader>(request));
  const auto topic = topics_.find(header->topic);
  if (!topic) return answer(request, ResponseCode::topic_not_exist, fmt::format("No topic in this broker. topic: {}", header->topic));
  return answer_body(request, *topic);
}

}  // namespace skylark::broker
