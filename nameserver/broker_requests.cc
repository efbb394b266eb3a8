// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <fmt/format.h>

#include "base/crc32.h"
#include "base/log.h"
#include "nameserver/requests.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/tables.h"

namespace skylark::nameserver {
namespace {

RemotingCommand register_broker(RequestContext& context, RemotingCommand& request, std::uint64_t connection_id) {
  const auto header = decode_header<RegisterBrokerRequestHeader>(request);
  if (!header) return respond_missing<RegisterBrokerRequestHeader>(request);
  const auto bytes = request.body.view();
  if (header->body_crc32 != 0 && static_cast<std::uint32_t>(header->body_crc32) != crc32_31(bytes)) {
    log::warn("registration of broker {} ({}) has a body of another checksum", header->broker_name, header->broker_addr);
    return respond(request, ResponseCode::system_error, "crc32 not match");
  }
  const auto body = decode_register_broker_body(bytes, header->compressed, request.version);
  if (!body) {
    log::warn("registration of broker {} ({}) cannot be read: {}", header->broker_name, header->broker_addr, body.error().message());
    return respond(request, ResponseCode::system_error, fmt::format("register broker body: {}", body.error().message()));
  }

  const auto answer = context.routes.register_broker(*header, *body, connection_id, context.policy());
  if (!answer) return respond(request, ResponseCode::system_error, "register broker failed");
  auto response = respond(request, ResponseCode::success);
  encode_header(*answer, response);
  if (!context.settings.return_order_config.get()) return response;
  if (const auto order = context.kv_config.list(kOrderTopicNamespace)) response.body = Body(encode_body(KvTable{*order}));
  return response;
}

RemotingCommand unregister_broker(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<UnregisterBrokerRequestHeader>(request);
  if (!header) return respond_missing<UnregisterBrokerRequestHeader>(request);
  log::info("broker {} ({}) of {} unregisters", header->broker_name, header->broker_addr, header->cluster_name);
  context.routes.unregister_broker(header->cluster_name, header->broker_name, header->broker_addr);
  return respond(request, ResponseCode::success);
}

RemotingCommand register_topic(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<RegisterTopicRequestHeader>(request);
  if (!header) return respond_missing<RegisterTopicRequestHeader>(request);
  const auto route = decode_body<TopicRouteData>(request.body.view());
  if (!route) return respond(request, ResponseCode::system_error, route.error().message());
  context.routes.register_topic(header->topic, route->queue_datas);
  return respond(request, ResponseCode::success);
}

RemotingCommand query_data_version(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<QueryDataVersionRequestHeader>(request);
  if (!header) return respond_missing<QueryDataVersionRequestHeader>(request);
  const auto version = decode_body<DataVersion>(request.body.view());
  if (!version) return respond(request, ResponseCode::system_error, version.error().message());
  const auto [changed, known] = context.routes.compare_version(header->cluster_name, header->broker_addr, *version);
  auto response = respond(request, ResponseCode::success);
  encode_header(QueryDataVersionResponseHeader{changed}, response);
  if (known) response.body = Body(encode_body(*known));
  return response;
}

RemotingCommand member_group(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<GetBrokerMemberGroupRequestHeader>(request);
  if (!header) return respond_missing<GetBrokerMemberGroupRequestHeader>(request);
  BrokerMemberGroup group;
  group.cluster = header->cluster_name;
  group.broker_name = header->broker_name;
  group.broker_addrs = context.routes.member_group(header->broker_name);
  auto response = respond(request, ResponseCode::success);
  response.body = Body(encode_body(group));
  return response;
}

RemotingCommand heartbeat(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<BrokerHeartbeatRequestHeader>(request);
  if (!header) return respond_missing<BrokerHeartbeatRequestHeader>(request);
  context.routes.refresh(header->cluster_name, header->broker_addr);
  return respond(request, ResponseCode::success);
}

}  // namespace

void add_broker_requests(RequestTable& table, RequestContext& context) {
  table.add(RequestCode::register_broker, [&context](auto& request, auto connection_id) { return register_broker(context, request, connection_id); });
  table.add(RequestCode::unregister_broker, [&context](auto& request, auto) { return unregister_broker(context, request); });
  table.add(RequestCode::register_topic_in_namesrv, [&context](auto& request, auto) { return register_topic(context, request); });
  table.add(RequestCode::query_data_version, [&context](auto& request, auto) { return query_data_version(context, request); });
  table.add(RequestCode::get_broker_member_group, [&context](auto& request, auto) { return member_group(context, request); });
  table.add(RequestCode::broker_heartbeat, [&context](auto& request, auto) { return heartbeat(context, request); });
}

}  // namespace skylark::nameserver
