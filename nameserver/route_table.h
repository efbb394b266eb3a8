// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "protocol/bodies/data_version.h"
#include "protocol/bodies/register_broker_body.h"
#include "protocol/bodies/topic_route.h"
#include "protocol/nameserver_headers.h"

namespace skylark::nameserver {

inline constexpr std::int64_t kMasterId = 0;
inline constexpr std::int64_t kBrokerTimeoutMs = 120'000;  // RouteInfoManager.DEFAULT_BROKER_CHANNEL_EXPIRED_TIME.

/// What the operator may change about routes while the name server runs.
struct RoutePolicy {
  bool delete_topic_with_registration = false;
  bool support_acting_master = false;
};

/// Which brokers there are, which topics they serve with how many queues, and when each was last heard of.
///
/// Threads: every member may be called from any thread; one reader-writer mutex, held for maps alone, never for sockets.
/// Source:  RouteInfoManager.java 5.3.3.
class RouteTable {
 public:
  explicit RouteTable(Clock& clock) : clock_(clock) {}

  /// Takes a broker in, or refreshes it. Nothing when a broker that is not known registers with exactly one topic: that is an
  /// update of this topic, and the broker must introduce itself first.
  ///
  /// An address holds one id; an id held elsewhere with a greater state version makes the call be ignored. Topics come from masters,
  /// and from the replica with the lowest id when it sent `enableActingMaster`. `connection_id` is what `connection_closed` takes.
  [[nodiscard]] std::optional<RegisterBrokerResponseHeader> register_broker(const RegisterBrokerRequestHeader& broker, const RegisterBrokerBody& body,
                                                                            std::uint64_t connection_id, const RoutePolicy& policy);
  void unregister_broker(const std::string& cluster, const std::string& broker_name, const std::string& address);
  /// Whether the version of the topics of that broker differs from `version` (or the broker is unknown), and the version known.
  /// Counts as a sign of life.
  [[nodiscard]] std::pair<bool, std::optional<DataVersion>> compare_version(const std::string& cluster, const std::string& address,
                                                                            const DataVersion& version);
  void refresh(const std::string& cluster, const std::string& address);
  /// Removes brokers not heard of for longer than their timeout; returns the connections they had registered on.
  [[nodiscard]] std::vector<std::uint64_t> remove_silent();
  /// Removes the brokers that last registered on that connection.
  void connection_closed(std::uint64_t connection_id);

  /// Nothing when no broker serves the topic. Without `orderTopicConf`, which the caller knows.
  [[nodiscard]] std::optional<TopicRouteData> route(const std::string& topic, const RoutePolicy& policy) const;
  [[nodiscard]] ClusterInfo cluster_info() const;
  /// Addresses of a broker group by id; empty when unknown.
  [[nodiscard]] std::map<std::int64_t, std::string> member_group(const std::string& broker_name) const;

  /// Sets the queues of one topic; ends without effect at the first queue data of an unknown broker.
  void register_topic(const std::string& topic, const std::vector<QueueData>& queues);
  /// With a cluster, only from the brokers of it.
  void delete_topic(const std::string& topic, const std::string& cluster);
  /// Takes the write permission from every topic of a broker, or sets all to read and write. Returns how many topics.
  std::int32_t wipe_write_permission(const std::string& broker_name);
  std::int32_t add_write_permission(const std::string& broker_name);

  [[nodiscard]] std::set<std::string> topics() const;
  [[nodiscard]] std::set<std::string> topics_of_cluster(const std::string& cluster) const;
  /// Names of clusters and of broker groups, and the address of one broker to ask further.
  [[nodiscard]] std::pair<std::set<std::string>, std::string> system_topics() const;
  enum class UnitList { unit, has_unit_subscription, has_unit_subscription_but_no_unit };
  [[nodiscard]] std::set<std::string> unit_topics(UnitList which) const;

 private:
  using Address = std::pair<std::string, std::string>;  // Cluster and `ip:port`.
  struct Live {
    std::int64_t seen_at_ms = 0;  // Steady time.
    std::int64_t timeout_ms = kBrokerTimeoutMs;
    DataVersion version;
    std::uint64_t connection_id = 0;
    std::string ha_address;
  };
  using QueuesByBroker = std::map<std::string, QueueData>;

  [[nodiscard]] bool is_superseded(const RegisterBrokerRequestHeader& broker, const DataVersion& version) const;
  void take_topics(const RegisterBrokerRequestHeader& broker, const RegisterBrokerBody& body, bool is_new, bool strip_write, const RoutePolicy& policy);
  void drop_missing_topics(const std::string& broker_name, const TopicConfigTable& topics);
  void remove(const Address& address, const std::string& broker_name);
  void remove_all(const std::vector<Address>& addresses);
  void erase_topics_of(const std::string& broker_name);
  void strip_write_without_master(const std::string& broker_name);
  std::int32_t change_permission(const std::string& broker_name, std::int32_t keep, std::int32_t set);
  [[nodiscard]] RegisterBrokerResponseHeader master_of(const RegisterBrokerRequestHeader& broker) const;

  Clock& clock_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, QueuesByBroker> topics_;
  std::map<std::string, BrokerData> brokers_;
  std::map<std::string, std::set<std::string>> clusters_;
  std::map<Address, Live> live_;
  std::map<Address, std::vector<std::string>> filter_servers_;
};

}  // namespace skylark::nameserver
