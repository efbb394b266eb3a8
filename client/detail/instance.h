// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/detail/core.h"
#include "client/detail/route.h"
#include "client/options.h"
#include "protocol/bodies/heartbeat.h"
#include "remoting/dispatcher.h"

namespace skylark::client {

/// What the owner of an instance (a producer or a consumer) adds to it. Threads: called on the io thread.
class Role {
 public:
  virtual ~Role() = default;
  /// Adds its groups to a heartbeat.
  virtual void describe(HeartbeatData& into) = 0;
  /// Answers a request of a broker; code 3 for what it does not know.
  virtual remoting::Reply serve(RemotingCommand& request, const remoting::ConnectionPtr& connection);
};

/// What every client object has: an id, name servers, routes, broker addresses, heartbeats. Threads: io thread unless said.
/// Source: MQClientInstance.java.
class Instance final : public remoting::Dispatcher {
 public:
  /// `role` may be null and must outlive this. `stable_id`: the id is `ip@instance` alone, as broadcasting consumers need it.
  Instance(const ClientOptions& options, Role* role, bool stable_id = false);
  ~Instance() override;

  [[nodiscard]] const std::string& client_id() const noexcept { return client_id_; }
  [[nodiscard]] const std::string& client_ip() const noexcept { return client_ip_; }
  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }
  [[nodiscard]] Core& core() noexcept { return *core_; }

  /// Starts heartbeats and the refreshing of routes. Failures: `invalid_argument` without any name server. Threads: any.
  Outcome<> start();

  /// The route of a topic: the known one unless it is too old or `refresh`. Failures: network, or response code 17.
  Task<Outcome<RoutePtr>> route(std::string topic, bool refresh = false);
  /// The same for sending: a topic that does not exist yet gets the brokers of `TBW102`, with at most `queue_count_max` queues.
  Task<Outcome<RoutePtr>> publish_route(std::string topic, std::int32_t queue_count_max);

  /// Address of a broker met in any route; with another id than asked for when `or_any` and that one is not there.
  [[nodiscard]] std::optional<std::string> address(const std::string& broker_name, std::int64_t broker_id = 0, bool or_any = false) const;
  [[nodiscard]] const std::map<std::string, std::map<std::int64_t, std::string>>& brokers() const noexcept { return brokers_; }

  /// A request to the master of that name; a response with another code than success is a failure.
  Task<Outcome<RemotingCommand>> call_broker(std::string broker_name, RemotingCommand request);
  /// A request to an address; a response with another code than success is a failure.
  Task<Outcome<RemotingCommand>> call_address(std::string address, RemotingCommand request, milliseconds timeout);
  /// A request to the first name server that can be reached. `make` gives it anew for each of them.
  Task<Outcome<RemotingCommand>> ask_name_server(std::function<RemotingCommand()> make);

  /// Tells all known brokers who we are; ends when they have answered or failed.
  Task<void> heartbeat();
  /// Says goodbye to all known brokers.
  Task<void> unregister(std::optional<std::string> producer_group, std::optional<std::string> consumer_group);

  // remoting::Dispatcher
  remoting::Reply dispatch(RemotingCommand& request, const remoting::ConnectionPtr& connection) override;
  /// A broker that was away has forgotten us: tell it at once, not at the next interval.
  void on_open(const remoting::ConnectionPtr&) override { heartbeat_alarm_->ring(); }

 private:
  struct CachedRoute {
    RoutePtr route;  // Null while the name server said that there is none.
    std::chrono::steady_clock::time_point at;
  };
  Task<Outcome<RoutePtr>> fetch_route(std::string topic);
  void learn_brokers(const TopicRouteData& route);
  Task<void> heartbeat_loop();
  Task<void> route_loop();

  ClientOptions options_;
  Role* role_;
  std::string client_ip_;
  std::string client_id_;
  std::vector<std::string> name_servers_;
  std::size_t name_server_index_ = 0;
  std::map<std::string, CachedRoute> routes_;
  std::map<std::string, std::shared_ptr<Alarm>> fetching_;  // One question a topic at a time; the others wait for its end.
  std::map<std::string, std::map<std::int64_t, std::string>> brokers_;
  std::unique_ptr<Core> core_;  // Last: its threads use the rest.
  std::unique_ptr<Alarm> heartbeat_alarm_;
};

/// Failure for every response code but success.
[[nodiscard]] Outcome<RemotingCommand> require_success(Outcome<RemotingCommand> answer);

}  // namespace skylark::client
