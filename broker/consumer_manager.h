// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/client_channel.h"
#include "base/text_map.h"
#include "protocol/bodies/heartbeat.h"

namespace skylark::broker {

/// What is known of one consumer group that is online, as a copy.
struct ConsumerGroupState {
  std::string group;
  std::string consume_type;
  std::string message_model;
  std::string consume_from_where;
  std::map<std::string, SubscriptionData> subscriptions;  ///< By topic.
  std::vector<ClientChannel> clients;

  [[nodiscard]] bool is_broadcast() const noexcept { return message_model == "BROADCASTING"; }
};

using SubscriptionPtr = std::shared_ptr<const SubscriptionData>;

/// What a pull needs to know of an online group.
struct PullSubscription {
  bool online = false;
  bool broadcast = false;
  SubscriptionPtr subscription;  ///< Null when the group has not subscribed to the topic.
};

/// Consumer groups that are online, by what their clients say in heartbeats. Source: ConsumerManager.java, ConsumerGroupInfo.java.
/// Threads: any. Members are told on the changing thread, without a lock held.
class ConsumerManager {
 public:
  explicit ConsumerManager(Clock& clock, std::chrono::milliseconds client_expiry = std::chrono::minutes(2),
                           std::chrono::milliseconds subscription_expiry = std::chrono::minutes(10));

  /// Registers one group of a client's heartbeat. True when members or the set of topics changed; then the members are told.
  /// Subscriptions are replaced as a set unless `keep_subscriptions` (heartbeat V2 without them).
  bool register_consumer(const ConsumerData& data, const ClientChannel& client, bool keep_subscriptions = false);
  void unregister_consumer(std::string_view group, const ClientChannel& client);
  /// Removes the connection's clients from every group and tells the other members.
  void on_connection_closed(const remoting::ConnectionPtr& connection);
  /// Removes clients without a heartbeat for 120 s (and closes their connections), and old subscriptions. Called every 10 s.
  void expire();

  [[nodiscard]] std::optional<ConsumerGroupState> find(std::string_view group) const;
  /// For pulls: what clients have told by heartbeat, nothing compensated.
  [[nodiscard]] PullSubscription look_up(std::string_view group, std::string_view topic) const;
  /// The subscription of an online group, else what a pull of an offline one told (compensated), else null.
  [[nodiscard]] SubscriptionPtr find_subscription(std::string_view group, std::string_view topic) const;
  [[nodiscard]] std::size_t subscription_count(std::string_view group) const;
  [[nodiscard]] std::vector<std::string> client_ids(std::string_view group) const;
  [[nodiscard]] std::optional<ClientChannel> find_client(std::string_view group, std::string_view client_id) const;
  [[nodiscard]] std::set<std::string> groups_of_topic(std::string_view topic) const;
  [[nodiscard]] std::vector<std::string> groups() const;

  /// Remembers what a pull of an offline group tells, so that tools show it; nothing of an online one. Source: compensate*Info.
  void compensate(std::string_view group, std::string_view consume_type, std::string_view message_model,
                  const SubscriptionData& subscription);

  /// Whether members are told (request 40) of changes in that group: its config says so. Without one: always. Members of a
  /// broadcasting group never are.
  using NotifyPolicy = std::function<bool(std::string_view group)>;
  void set_notify_policy(NotifyPolicy policy);
  /// Called after the last member of a group has gone, on the changing thread, without a lock held. Set before use.
  using GroupGone = std::function<void(const std::string& group)>;
  void set_group_gone_listener(GroupGone listener) { group_gone_ = std::move(listener); }

 private:
  struct Member {
    ClientChannel client;
    std::int64_t seen_ms = 0;  ///< Steady clock.
  };
  struct Subscription {
    SubscriptionPtr data;
    std::int64_t seen_ms = 0;
  };
  struct Group {
    std::string consume_type, message_model, consume_from_where;
    [[nodiscard]] bool is_broadcast() const noexcept { return message_model == "BROADCASTING"; }
    std::map<std::uint64_t, Member> members;  ///< By connection id.
    std::map<std::string, Subscription, std::less<>> subscriptions;
  };
  /// Members to be told after the lock is gone.
  struct Notice {
    std::string group;
    std::vector<remoting::ConnectionPtr> connections;
    bool gone = false;  ///< No member is left.
  };
  struct Compensated {
    std::string consume_type, message_model;
    std::map<std::string, SubscriptionPtr, std::less<>> subscriptions;
  };
  static bool update_subscriptions(Group& group, const ConsumerData& data, std::int64_t now_ms);
  [[nodiscard]] static Notice notice_for(const std::string& name, const Group& group);
  void tell(const Notice& notice) const;

  Clock& clock_;
  const std::int64_t client_expiry_ms_;
  const std::int64_t subscription_expiry_ms_;
  mutable std::mutex mutex_;
  TextMap<Group> groups_;
  TextMap<Compensated> compensated_;
  NotifyPolicy notify_policy_;
  GroupGone group_gone_;
};

}  // namespace skylark::broker
