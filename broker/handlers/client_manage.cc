// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/client_manage.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "broker/handlers/handlers.h"
#include "broker/topic_names.h"
#include "protocol/bodies/heartbeat.h"
#include "protocol/client_headers.h"
#include "protocol/json.h"
#include "protocol/response_code.h"
#include "remoting/connection.h"

namespace skylark::broker {

ClientManageHandler::ClientManageHandler(const BrokerConfig& config, ConsumerManager& consumers, ProducerManager& producers,
                                         SubscriptionGroupManager& groups, TopicConfigManager& topics, ConsumerFilterManager& filters)
    : config_(config), consumers_(consumers), producers_(producers), groups_(groups), topics_(topics), filters_(filters) {}

remoting::Reply ClientManageHandler::heartbeat(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto data = HeartbeatData::parse(request.body.view());
  if (!data) return answer(request, ResponseCode::system_error, "the heartbeat cannot be read");
  const ClientChannel client{.connection = connection,
                             .client_id = data->client_id,
                             .language = request.language,
                             .version = request.version,
                             .last_update_ms = 0};
  const bool keep_subscriptions = data->fingerprint != 0 && data->without_subscriptions;
  for (const ConsumerData& consumer : data->consumers) register_group(consumer, client, keep_subscriptions);
  for (const std::string& group : data->producer_groups) producers_.register_producer(group, client);

  RemotingCommand response = answer(request, ResponseCode::success);
  encode_header(HeartbeatResponseHeader{.supports_v2 = true, .subscription_changed = subscriptions_changed(*data)}, response);
  return response;
}

void ClientManageHandler::register_group(const ConsumerData& data, const ClientChannel& client, bool keep_subscriptions) {
  const GroupConfigPtr group = groups_.find(data.group);
  if (!group) return;
  // A replica takes topics from its master alone.
  if (!config_.is_slave()) {
    constexpr std::int32_t kUnitSubscription = 2;  // TopicSysFlag.FLAG_UNIT_SUB.
    const bool ordered = std::any_of(data.subscriptions.begin(), data.subscriptions.end(),
                                     [this](const SubscriptionData& subscription) { return topics_.is_order_topic(subscription.topic); });
    topics_.create_if_absent(retry_topic(data.group), group->retry_queues, permission::kRead | permission::kWrite, ordered,
                             data.unit_mode ? kUnitSubscription : 0);
  }
  consumers_.register_consumer(data, client, keep_subscriptions);
  if (!keep_subscriptions) filters_.register_group(data.group, data.subscriptions);
}

bool ClientManageHandler::subscriptions_changed(const HeartbeatData& data) {
  if (data.fingerprint == 0) return true;
  const std::lock_guard lock(mutex_);
  bool changed = false;
  for (const ConsumerData& consumer : data.consumers) {
    const auto known = fingerprints_.find(consumer.group);
    if (known != fingerprints_.end() && known->second == data.fingerprint) continue;
    changed = true;
    if (!data.without_subscriptions) fingerprints_[consumer.group] = data.fingerprint;
  }
  return changed;
}

remoting::Reply ClientManageHandler::unregister(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<UnregisterClientRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<UnregisterClientRequestHeader>(request));
  const ClientChannel client{.connection = connection,
                             .client_id = header->client_id,
                             .language = request.language,
                             .version = request.version,
                             .last_update_ms = 0};
  if (header->producer_group) producers_.unregister_producer(*header->producer_group, client);
  if (header->consumer_group) consumers_.unregister_consumer(*header->consumer_group, client);
  return answer(request, ResponseCode::success);
}

remoting::Reply ClientManageHandler::consumer_list(RemotingCommand& request) {
  const auto header = decode_header<GetConsumerListByGroupRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetConsumerListByGroupRequestHeader>(request));
  const std::vector<std::string> ids = consumers_.client_ids(header->consumer_group);
  if (ids.empty())
    return answer(request, ResponseCode::system_error, fmt::format("no consumer for this group, {}", header->consumer_group));
  json::Value list{json::Array{}};
  for (const std::string& id : ids) list.push(id);
  json::Value body;
  body.set("consumerIdList", std::move(list));
  RemotingCommand response = answer(request, ResponseCode::success);
  response.body = Body(json::write(body));
  return response;
}

remoting::Reply ClientManageHandler::check_config(RemotingCommand& request) {
  const auto body = json::parse(request.body.view());
  if (!body) return answer(request, ResponseCode::system_error, "the client's configuration cannot be read");
  const auto checked = CheckClientRequestBody::from_json(*body);
  const std::string& type = checked.subscription.expression_type;
  if (checked.subscription.is_tag_type()) return answer(request, ResponseCode::success);
  if (!config_.broker.property_filter.get() || type != "SQL92") {
    return answer(request, ResponseCode::system_error, fmt::format("The broker does not support consumer to filter message by {}", type));
  }
  std::string error;
  if (!filters_.compile(checked.subscription.expression, error)) {
    log::warn("client {} of group {}: {}: {}", checked.client_id, checked.group, checked.subscription.expression, error);
    return answer(request, ResponseCode::subscription_parse_failed, std::move(error));
  }
  return answer(request, ResponseCode::success);
}

}  // namespace skylark::broker
