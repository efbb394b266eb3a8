// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/consumer_admin_clients.h"

#include <fmt/format.h>

#include "broker/consumer_manager.h"
#include "broker/handlers/answers.h"
#include "broker/producer_manager.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/connections.h"
#include "protocol/bodies/consumer_bodies.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

ClientConnection shown(const ClientChannel& client) {
  ClientConnection connection;
  connection.client_addr = client.connection->remote_address();
  connection.client_id = client.client_id;
  connection.language = client.language;
  connection.version = client.version;
  return connection;
}

}  // namespace

remoting::Reply ClientAdmin::consumer_connections(RemotingCommand& request) {
  const auto header = decode_header<GetConsumerConnectionListRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetConsumerConnectionListRequestHeader>(request));
  const auto group = consumers_.find(header->consumer_group);
  if (!group || group->clients.empty()) {
    return answer(request, ResponseCode::consumer_not_online, fmt::format("the consumer group[{}] not online", header->consumer_group));
  }
  ConsumerConnection body;
  for (const ClientChannel& client : group->clients) body.connections.push_back(shown(client));
  body.consume_from_where = group->consume_from_where;
  body.consume_type = group->consume_type;
  body.message_model = group->message_model;
  body.subscriptions = group->subscriptions;
  return answer_body(request, body);
}

remoting::Reply ClientAdmin::producer_connections(RemotingCommand& request) {
  const auto header = decode_header<GetProducerConnectionListRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetProducerConnectionListRequestHeader>(request));
  const auto clients = producers_.clients(header->producer_group);
  if (clients.empty())
    return answer(request, ResponseCode::system_error, fmt::format("the producer group[{}] not exist", header->producer_group));
  ProducerConnection body;
  for (const ClientChannel& client : clients) body.connections.push_back(shown(client));
  return answer_body(request, body);
}

remoting::Reply ClientAdmin::all_producers(RemotingCommand& request) {
  ProducerTableInfo body;
  for (const auto& [group, clients] : producers_.all()) {
    for (const ClientChannel& client : clients) {
      ProducerInfo info;
      info.client_id = client.client_id;
      info.language = client.language;
      info.last_update_timestamp = client.last_update_ms;
      info.remote_ip = "/" + client.connection->remote_address();
      info.version = client.version;
      body.data[group].push_back(std::move(info));
    }
  }
  return answer_body(request, body);
}

remoting::Reply ClientAdmin::subscription(RemotingCommand& request) {
  const auto header = decode_header<QuerySubscriptionByConsumerRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QuerySubscriptionByConsumerRequestHeader>(request));
  QuerySubscriptionResponseBody body;
  body.group = header->group;
  body.topic = header->topic.value_or("");
  if (const auto subscription = consumers_.find_subscription(header->group, body.topic)) body.subscription = *subscription;
  return answer_body(request, body);
}

}  // namespace skylark::broker
