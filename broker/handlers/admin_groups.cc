// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_groups.h"

#include <utility>
#include <vector>

#include "broker/consumer_offset_manager.h"
#include "broker/handlers/answer_when_written.h"
#include "broker/handlers/answers.h"
#include "broker/handlers/attributes.h"
#include "broker/subscription_group_manager.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/consumer_bodies.h"

namespace skylark::broker {

std::string GroupAdmin::settle(SubscriptionGroupConfig& config) const {
  if (config.name.empty()) return "the group has no name";
  const auto present = groups_.find_existing(config.name);
  auto change = alter_attributes(!present, group_attribute_rules(), present ? present->attributes : Attributes{}, config.attributes);
  config.attributes = std::move(change.attributes);
  return std::move(change.problem);
}

remoting::Reply GroupAdmin::update(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  auto config = decode_body<SubscriptionGroupConfig>(request.body.view());
  if (!config) return answer(request, ResponseCode::system_error, "the body is no group");
  if (auto problem = settle(*config); !problem.empty()) return answer(request, ResponseCode::system_error, std::move(problem));
  groups_.update(std::move(*config));
  return answer_when_written(table_, request, connection, answer(request, ResponseCode::success));
}

remoting::Reply GroupAdmin::update_list(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto body = json::parse(request.body.view());
  if (!body) return answer(request, ResponseCode::system_error, "the body is no list of groups");
  std::vector<SubscriptionGroupConfig> configs;
  for (const json::Value& item : (*body)["groupConfigList"].items()) {
    configs.push_back(SubscriptionGroupConfig::from_json(item));
    if (auto problem = settle(configs.back()); !problem.empty()) return answer(request, ResponseCode::system_error, std::move(problem));
  }
  groups_.update_all(std::move(configs));
  return answer_when_written(table_, request, connection, answer(request, ResponseCode::success));
}

remoting::Reply GroupAdmin::list(RemotingCommand& request) { return answer_body(request, groups_.all()); }

remoting::Reply GroupAdmin::remove(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<DeleteSubscriptionGroupRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<DeleteSubscriptionGroupRequestHeader>(request));
  groups_.remove(header->group_name);
  if (header->clean_offset) offsets_.remove_group(header->group_name);
  return answer_when_written(table_, request, connection, answer(request, ResponseCode::success));
}

remoting::Reply GroupAdmin::get(RemotingCommand& request) {
  const auto header = decode_header<GetSubscriptionGroupConfigRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetSubscriptionGroupConfigRequestHeader>(request));
  const auto group = groups_.find(header->group);
  if (!group) return answer(request, ResponseCode::subscription_group_not_exist, "No group in this broker");
  return answer_body(request, *group);
}

remoting::Reply GroupAdmin::forbid(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<UpdateGroupForbiddenRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<UpdateGroupForbiddenRequestHeader>(request));
  if (header->readable) groups_.set_forbidden(header->group, header->topic, kForbidReadIndex, !*header->readable);
  GroupForbidden body;
  body.group = header->group;
  body.topic = header->topic;
  body.readable = !groups_.is_forbidden(header->group, header->topic, kForbidReadIndex);
  return answer_when_written(table_, request, connection, answer_body(request, body));
}

}  // namespace skylark::broker
