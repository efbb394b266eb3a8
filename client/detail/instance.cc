// SPDX-License-Identifier: Apache-2.0
#include "client/detail/instance.h"

#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "client/detail/identity.h"
#include "client/detail/send_policy.h"
#include "protocol/bodies/body.h"
#include "protocol/client_headers.h"
#include "protocol/nameserver_headers.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"

namespace skylark::client {

namespace {

constexpr std::string_view kTemplateTopic = "TBW102";
constexpr milliseconds kHeartbeatTimeout{3'000};

remoting::ClientOptions channel_options(const ClientOptions& options) {
  remoting::ClientOptions channel;
  channel.offer_flatbuffers = options.offer_flatbuffers;
  return channel;
}

RemotingCommand route_request(const std::string& topic) {
  GetRouteInfoRequestHeader header;
  header.topic = topic;
  header.accept_standard_json_only = true;
  return make_request(to_int(RequestCode::get_routeinfo_by_topic), header);
}

}  // namespace

remoting::Reply Role::serve(RemotingCommand& request, const remoting::ConnectionPtr&) {
  return make_response(request, to_int(ResponseCode::request_code_not_supported),
                       fmt::format(" request type {} not supported", request.code));
}

Outcome<RemotingCommand> require_success(Outcome<RemotingCommand> answer) {
  if (answer && answer->code != to_int(ResponseCode::success)) return Failure::refused(answer->code, std::move(answer->remark));
  return answer;
}

Instance::Instance(const ClientOptions& options, Role* role, bool stable_id)
    : options_(options),
      role_(role),
      client_ip_(options.client_ip.empty() ? local_ip() : options.client_ip),
      client_id_(stable_id ? client_ip_ + "@" + options.instance_name : make_client_id(client_ip_, options.instance_name)),
      name_servers_(split_name_servers(options.name_servers)),
      core_(std::make_unique<Core>(channel_options(options), this)),
      heartbeat_alarm_(std::make_unique<Alarm>(*core_)) {}

Instance::~Instance() { core_->stop(); }

Outcome<> Instance::start() {
  if (name_servers_.empty()) return Failure(Errc::invalid_argument, "no name server is given");
  core_->spawn(heartbeat_loop());
  core_->spawn(route_loop());
  return {};
}

Task<Outcome<RoutePtr>> Instance::route(std::string topic, bool refresh) {
  const auto known = routes_.find(topic);
  const bool fresh = known != routes_.end() && known->second.route != nullptr &&
                     std::chrono::steady_clock::now() - known->second.at < 2 * options_.route_interval;
  if (fresh && !refresh) co_return known->second.route;
  const auto other = fetching_.find(topic);
  if (other != fetching_.end()) {
    const auto alarm = other->second;
    co_await alarm->wait(2 * options_.request_timeout);
    const auto found = routes_.find(topic);
    if (found != routes_.end() && found->second.route != nullptr) co_return found->second.route;
  }
  Outcome<RoutePtr> fetched = co_await fetch_route(std::move(topic));
  co_return fetched;
}

Task<Outcome<RoutePtr>> Instance::fetch_route(std::string topic) {
  const auto alarm = std::make_shared<Alarm>(*core_);
  fetching_.insert_or_assign(topic, alarm);
  std::function<RemotingCommand()> make = [topic] { return route_request(topic); };
  Outcome<RemotingCommand> answer = co_await ask_name_server(std::move(make));
  if (const auto self = fetching_.find(topic); self != fetching_.end() && self->second == alarm) fetching_.erase(self);
  alarm->ring();
  CachedRoute& cached = routes_[topic];
  if (!answer) {
    if (answer.error().response_code() == to_int(ResponseCode::topic_not_exist)) cached.route = nullptr;
    if (cached.route != nullptr) co_return cached.route;  // An old route is better than none while no name server answers.
    co_return answer.error();
  }
  auto parsed = decode_body<TopicRouteData>(answer->body.view());
  if (!parsed) {
    Failure failure(parsed.error(), "the route of " + topic + " cannot be read");
    co_return failure;
  }
  learn_brokers(*parsed);
  if (cached.route == nullptr || *cached.route != *parsed) cached.route = std::make_shared<const TopicRouteData>(std::move(*parsed));
  cached.at = std::chrono::steady_clock::now();
  co_return cached.route;
}

Task<Outcome<RoutePtr>> Instance::publish_route(std::string topic, std::int32_t queue_count_max) {
  Outcome<RoutePtr> own = co_await route(topic);
  if (own || own.error().response_code() != to_int(ResponseCode::topic_not_exist)) co_return own;
  Outcome<RoutePtr> general = co_await route(std::string(kTemplateTopic));
  if (!general) co_return own;
  co_return std::make_shared<const TopicRouteData>(limit_queues(**general, queue_count_max));
}

void Instance::learn_brokers(const TopicRouteData& route) {
  bool news = false;
  for (const BrokerData& broker : route.broker_datas) {
    auto& known = brokers_[broker.broker_name];
    if (known == broker.broker_addrs) continue;
    known = broker.broker_addrs;
    news = true;
  }
  if (news) heartbeat_alarm_->ring();
}

std::optional<std::string> Instance::address(const std::string& broker_name, std::int64_t broker_id, bool or_any) const {
  const auto group = brokers_.find(broker_name);
  if (group == brokers_.end() || group->second.empty()) return std::nullopt;
  const auto found = group->second.find(broker_id);
  if (found != group->second.end()) return found->second;
  if (or_any) return group->second.begin()->second;
  return std::nullopt;
}

Task<Outcome<RemotingCommand>> Instance::call_address(std::string to, RemotingCommand request, milliseconds timeout) {
  Outcome<RemotingCommand> answer = co_await core_->call(std::move(to), std::move(request), timeout);
  co_return require_success(std::move(answer));
}

Task<Outcome<RemotingCommand>> Instance::call_broker(std::string broker_name, RemotingCommand request) {
  const auto to = address(broker_name);
  if (!to) {
    Failure failure(Errc::not_found, "no master of broker " + broker_name + " is known");
    co_return failure;
  }
  Outcome<RemotingCommand> answer = co_await core_->call(*to, std::move(request), options_.request_timeout);
  co_return require_success(std::move(answer));
}

Task<Outcome<RemotingCommand>> Instance::ask_name_server(std::function<RemotingCommand()> make) {
  Failure last(Errc::invalid_argument, "no name server is given");
  for (std::size_t i = 0; i < name_servers_.size(); ++i) {
    const std::size_t index = name_server_index_;
    Outcome<RemotingCommand> answer = co_await core_->call(name_servers_[index], make(), options_.request_timeout);
    if (answer) co_return require_success(std::move(answer));
    last = answer.error();
    if (name_server_index_ == index) name_server_index_ = (index + 1) % name_servers_.size();
  }
  co_return last;
}

Task<void> Instance::heartbeat() {
  if (role_ == nullptr) co_return;
  HeartbeatData data;
  data.client_id = client_id_;
  role_->describe(data);
  if (data.producer_groups.empty() && data.consumers.empty()) co_return;
  const std::string body = json::write(data.to_json());
  std::set<std::string> targets;
  for (const auto& [name, addresses] : brokers_) {
    for (const auto& [id, address] : addresses) {
      if (id == 0 || !data.consumers.empty()) targets.insert(address);  // A producer has no business with replicas.
    }
  }
  for (const std::string& target : targets) {
    RemotingCommand request;
    request.code = to_int(RequestCode::heart_beat);
    request.body = Body(body);
    Outcome<RemotingCommand> answer = co_await call_address(target, std::move(request), kHeartbeatTimeout);
    if (!answer && !core_->stopping()) log::debug("heartbeat to {}: {}", target, answer.error().describe());
  }
}

Task<void> Instance::unregister(std::optional<std::string> producer_group, std::optional<std::string> consumer_group) {
  const auto brokers = brokers_;
  for (const auto& [name, addresses] : brokers) {
    for (const auto& [id, address] : addresses) {
      UnregisterClientRequestHeader header;
      header.client_id = client_id_;
      header.producer_group = producer_group;
      header.consumer_group = consumer_group;
      RemotingCommand request = make_request(to_int(RequestCode::unregister_client), header);
      co_await call_address(address, std::move(request), std::min(options_.request_timeout, milliseconds(1'000)));
    }
  }
}

Task<void> Instance::heartbeat_loop() {
  while (!core_->stopping()) {
    co_await heartbeat();
    co_await heartbeat_alarm_->wait(options_.heartbeat_interval);
  }
}

Task<void> Instance::route_loop() {
  for (bool more = co_await core_->sleep(options_.route_interval); more;) {
    std::vector<std::string> topics;
    for (const auto& [topic, cached] : routes_) topics.push_back(topic);
    for (const std::string& topic : topics) {
      if (core_->stopping()) break;
      co_await route(topic, true);
    }
    more = co_await core_->sleep(options_.route_interval);
  }
}

remoting::Reply Instance::dispatch(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  if (role_ != nullptr) return role_->serve(request, connection);
  return make_response(request, to_int(ResponseCode::request_code_not_supported),
                       fmt::format(" request type {} not supported", request.code));
}

}  // namespace skylark::client
