// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "nameserver/requests.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/tables.h"

namespace skylark::nameserver {
namespace {

constexpr std::int16_t kVersion4_9_4 = 401;  // MQVersion.Version.V4_9_4: reads standard JSON, with quoted integer keys.
constexpr const char* kNoRouteHint = "See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";  // FAQUrl.suggestTodo.

RemotingCommand respond_topics(const RemotingCommand& request, const std::set<std::string>& topics, const std::string& broker_address = {}) {
  TopicList list;
  list.topics.assign(topics.begin(), topics.end());
  if (!broker_address.empty()) list.broker_addr = broker_address;
  auto response = respond(request, ResponseCode::success);
  response.body = Body(encode_body(list));
  return response;
}

bool is_ready(const RequestContext& context) {
  if (!context.settings.need_wait_for_service.get()) return true;
  return context.clock.steady_ms() - context.started_at_ms >= std::int64_t{1000} * context.settings.wait_seconds_for_service.get();
}

RemotingCommand route_of_topic(RequestContext& context, RemotingCommand& request) {
  if (!is_ready(context)) return respond(request, ResponseCode::system_error, "name server not ready");
  const auto header = decode_header<GetRouteInfoRequestHeader>(request);
  const std::string topic = header ? header->topic : "null";  // Java looks for the topic null.
  auto route = header ? context.routes.route(topic, context.policy()) : std::nullopt;
  if (!route) {
    return respond(request, ResponseCode::topic_not_exist, fmt::format("No topic route info in name server for the topic: {}\n{}", topic, kNoRouteHint));
  }
  if (context.settings.order_message_enable.get()) route->order_topic_conf = context.kv_config.get(kOrderTopicNamespace, topic);
  const bool standard = request.version >= kVersion4_9_4 || header->accept_standard_json_only.value_or(false);
  auto response = respond(request, ResponseCode::success);
  response.body = Body(encode_body(*route, standard ? json::IntegerKeys::quoted : json::IntegerKeys::bare));
  return response;
}

RemotingCommand cluster_info(RequestContext& context, RemotingCommand& request) {
  auto response = respond(request, ResponseCode::success);
  response.body = Body(encode_body(context.routes.cluster_info()));
  return response;
}

RemotingCommand wipe_write_permission(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<WipeWritePermOfBrokerRequestHeader>(request);
  if (!header) return respond_missing<WipeWritePermOfBrokerRequestHeader>(request);
  auto response = respond(request, ResponseCode::success);
  encode_header(WipeWritePermOfBrokerResponseHeader{context.routes.wipe_write_permission(header->broker_name)}, response);
  return response;
}

RemotingCommand add_write_permission(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<AddWritePermOfBrokerRequestHeader>(request);
  if (!header) return respond_missing<AddWritePermOfBrokerRequestHeader>(request);
  auto response = respond(request, ResponseCode::success);
  encode_header(AddWritePermOfBrokerResponseHeader{context.routes.add_write_permission(header->broker_name)}, response);
  return response;
}

RemotingCommand all_topics(RequestContext& context, RemotingCommand& request) {
  if (!context.settings.enable_all_topic_list.get()) return respond(request, ResponseCode::system_error, "disable");
  return respond_topics(request, context.routes.topics());
}

RemotingCommand delete_topic(RequestContext& context, RemotingCommand& request) {
  const auto header = decode_header<DeleteTopicFromNameServerRequestHeader>(request);
  if (!header) return respond_missing<DeleteTopicFromNameServerRequestHeader>(request);
  context.routes.delete_topic(header->topic, header->cluster_name.value_or(""));
  return respond(request, ResponseCode::success);
}

RemotingCommand topics_of_cluster(RequestContext& context, RemotingCommand& request) {
  if (!context.settings.enable_topic_list.get()) return respond(request, ResponseCode::system_error, "disable");
  const auto header = decode_header<GetTopicsByClusterRequestHeader>(request);
  if (!header) return respond_missing<GetTopicsByClusterRequestHeader>(request);
  return respond_topics(request, context.routes.topics_of_cluster(header->cluster));
}

RemotingCommand system_topics(RequestContext& context, RemotingCommand& request) {
  const auto [names, address] = context.routes.system_topics();
  return respond_topics(request, names, address);
}

RemotingCommand unit_topics(RequestContext& context, RemotingCommand& request, RouteTable::UnitList which) {
  if (!context.settings.enable_topic_list.get()) return respond(request, ResponseCode::system_error, "disable");
  return respond_topics(request, context.routes.unit_topics(which));
}

}  // namespace

void add_route_requests(RequestTable& table, RequestContext& context) {
  using Answer = RemotingCommand (*)(RequestContext&, RemotingCommand&);
  const auto add = [&](RequestCode code, Answer answer) {
    table.add(code, [&context, answer](auto& request, auto) { return answer(context, request); });
  };
  add(RequestCode::get_routeinfo_by_topic, route_of_topic);
  add(RequestCode::get_broker_cluster_info, cluster_info);
  add(RequestCode::wipe_write_perm_of_broker, wipe_write_permission);
  add(RequestCode::add_write_perm_of_broker, add_write_permission);
  add(RequestCode::get_all_topic_list_from_nameserver, all_topics);
  add(RequestCode::delete_topic_in_namesrv, delete_topic);
  add(RequestCode::get_topics_by_cluster, topics_of_cluster);
  add(RequestCode::get_system_topic_list_from_ns, system_topics);

  const auto add_units = [&](RequestCode code, RouteTable::UnitList which) {
    table.add(code, [&context, which](auto& request, auto) { return unit_topics(context, request, which); });
  };
  add_units(RequestCode::get_unit_topic_list, RouteTable::UnitList::unit);
  add_units(RequestCode::get_has_unit_sub_topic_list, RouteTable::UnitList::has_unit_subscription);
  add_units(RequestCode::get_has_unit_sub_ununit_topic_list, RouteTable::UnitList::has_unit_subscription_but_no_unit);
}

}  // namespace skylark::nameserver
