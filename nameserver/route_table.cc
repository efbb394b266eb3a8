// SPDX-License-Identifier: Apache-2.0
#include "nameserver/route_table.h"

#include <algorithm>
#include <iterator>
#include <mutex>

#include "base/log.h"

namespace skylark::nameserver {
namespace {

constexpr std::string_view kMemberGroupPrefix = "rmq_sys_SYNC_BROKER_MEMBER_";  // TopicValidator.SYNC_BROKER_MEMBER_GROUP_PREFIX.
constexpr std::int32_t kUnitFlag = 1;             // TopicSysFlag.FLAG_UNIT.
constexpr std::int32_t kUnitSubscriptionFlag = 2;  // TopicSysFlag.FLAG_UNIT_SUB.

bool lacks_master(const BrokerData& group) { return !group.broker_addrs.empty() && !group.broker_addrs.contains(kMasterId); }

QueueData queue_data(const std::string& broker_name, const TopicConfig& topic, bool strip_write) {
  QueueData queues;
  queues.broker_name = broker_name;
  queues.read_queue_nums = topic.read_queues;
  queues.write_queue_nums = topic.write_queues;
  queues.perm = strip_write ? topic.perm & ~permission::kWrite : topic.perm;
  queues.topic_sys_flag = topic.sys_flag;
  return queues;
}

}  // namespace

std::optional<RegisterBrokerResponseHeader> RouteTable::register_broker(const RegisterBrokerRequestHeader& broker, const RegisterBrokerBody& body,
                                                                        std::uint64_t connection_id, const RoutePolicy& policy) {
  const Address address{broker.cluster_name, broker.broker_addr};
  const std::unique_lock lock(mutex_);

  const auto known = brokers_.find(broker.broker_name);
  const bool is_known_id = known != brokers_.end() && known->second.broker_addrs.contains(broker.broker_id);
  if (!is_known_id && body.topics.topics.size() == 1) {
    log::warn("broker {} ({}) sends one topic before it has registered: refused", broker.broker_name, broker.broker_addr);
    return std::nullopt;
  }
  if (known != brokers_.end()) {
    std::erase_if(known->second.broker_addrs, [&](const auto& entry) { return entry.second == broker.broker_addr && entry.first != broker.broker_id; });
  }
  if (is_superseded(broker, body.topics.version)) {
    log::warn("broker {} ({}) registers id {} of {}, which a newer one at another address holds: ignored", broker.broker_name, broker.broker_addr,
              broker.broker_id, broker.cluster_name);
    live_.erase(address);
    return RegisterBrokerResponseHeader{};
  }

  clusters_[broker.cluster_name].insert(broker.broker_name);
  auto& group = brokers_[broker.broker_name];
  group.cluster = broker.cluster_name;
  group.broker_name = broker.broker_name;
  group.enable_acting_master = broker.enable_acting_master.value_or(false);
  group.zone_name = broker.zone_name;
  group.broker_addrs[broker.broker_id] = broker.broker_addr;

  const bool is_master = broker.broker_id == kMasterId;
  const bool is_first_replica = !is_master && broker.enable_acting_master && group.broker_addrs.begin()->first == broker.broker_id;
  if (is_master || is_first_replica) take_topics(broker, body, !is_known_id, is_first_replica && group.enable_acting_master, policy);

  const auto [live, is_new_address] = live_.try_emplace(address);
  if (is_new_address) {
    log::info("broker {} ({}), id {} of {}, registered; replication on {}", broker.broker_name, broker.broker_addr, broker.broker_id, broker.cluster_name,
              broker.ha_server_addr);
  }
  live->second = Live{clock_.steady_ms(), broker.heartbeat_timeout_ms.value_or(kBrokerTimeoutMs), body.topics.version, connection_id, broker.ha_server_addr};
  if (body.filter_servers.empty()) filter_servers_.erase(address);
  else filter_servers_[address] = body.filter_servers;
  return master_of(broker);
}

bool RouteTable::is_superseded(const RegisterBrokerRequestHeader& broker, const DataVersion& version) const {
  const auto group = brokers_.find(broker.broker_name);
  if (group == brokers_.end()) return false;
  const auto holder = group->second.broker_addrs.find(broker.broker_id);
  if (holder == group->second.broker_addrs.end() || holder->second == broker.broker_addr) return false;
  const auto live = live_.find({broker.cluster_name, holder->second});
  return live != live_.end() && live->second.version.state_version > version.state_version;
}

void RouteTable::take_topics(const RegisterBrokerRequestHeader& broker, const RegisterBrokerBody& body, bool is_new, bool strip_write,
                             const RoutePolicy& policy) {
  if (policy.delete_topic_with_registration) drop_missing_topics(broker.broker_name, body.topics);
  const auto live = live_.find({broker.cluster_name, broker.broker_addr});
  const bool has_changed = is_new || live == live_.end() || live->second.version != body.topics.version;
  for (const auto& [name, topic] : body.topics.topics) {
    auto& queues = topics_[name];
    if (has_changed || !queues.contains(broker.broker_name)) queues[broker.broker_name] = queue_data(broker.broker_name, topic, strip_write);
  }
}

void RouteTable::drop_missing_topics(const std::string& broker_name, const TopicConfigTable& topics) {
  for (auto topic = topics_.begin(); topic != topics_.end();) {
    const bool dropped = !topics.topics.contains(topic->first) && topic->second.erase(broker_name) != 0;
    if (dropped) log::info("broker {} no longer serves topic {}", broker_name, topic->first);
    topic = topic->second.empty() ? topics_.erase(topic) : std::next(topic);
  }
}

RegisterBrokerResponseHeader RouteTable::master_of(const RegisterBrokerRequestHeader& broker) const {
  RegisterBrokerResponseHeader answer;
  if (broker.broker_id == kMasterId) return answer;
  const auto& addresses = brokers_.at(broker.broker_name).broker_addrs;
  const auto master = addresses.find(kMasterId);
  if (master == addresses.end()) return answer;
  const auto live = live_.find({broker.cluster_name, master->second});
  if (live == live_.end()) return answer;
  answer.ha_server_addr = live->second.ha_address;
  answer.master_addr = master->second;
  return answer;
}

void RouteTable::unregister_broker(const std::string& cluster, const std::string& broker_name, const std::string& address) {
  const std::unique_lock lock(mutex_);
  remove({cluster, address}, broker_name);
}

void RouteTable::remove(const Address& address, const std::string& broker_name) {
  live_.erase(address);
  filter_servers_.erase(address);
  const auto group = brokers_.find(broker_name);
  if (group != brokers_.end()) {
    std::erase_if(group->second.broker_addrs, [&](const auto& entry) { return entry.second == address.second; });
    if (!group->second.broker_addrs.empty()) return strip_write_without_master(broker_name);
    brokers_.erase(group);
  }
  log::info("the last broker of {} ({}) is gone", broker_name, address.second);
  if (const auto cluster = clusters_.find(address.first); cluster != clusters_.end()) {
    cluster->second.erase(broker_name);
    if (cluster->second.empty()) clusters_.erase(cluster);
  }
  erase_topics_of(broker_name);
}

void RouteTable::erase_topics_of(const std::string& broker_name) {
  for (auto topic = topics_.begin(); topic != topics_.end();) {
    topic->second.erase(broker_name);
    topic = topic->second.empty() ? topics_.erase(topic) : std::next(topic);
  }
}

void RouteTable::strip_write_without_master(const std::string& broker_name) {
  const auto& group = brokers_.at(broker_name);
  if (group.enable_acting_master && lacks_master(group)) change_permission(broker_name, ~permission::kWrite, 0);
}

void RouteTable::remove_all(const std::vector<Address>& addresses) {
  for (const auto& address : addresses) {
    const auto group = std::find_if(brokers_.begin(), brokers_.end(), [&](const auto& entry) {
      const auto& data = entry.second;
      return data.cluster == address.first && std::any_of(data.broker_addrs.begin(), data.broker_addrs.end(), [&](const auto& a) { return a.second == address.second; });
    });
    if (group != brokers_.end()) {
      const std::string name = group->first;  // `remove` erases the group with its key.
      remove(address, name);
    } else {
      live_.erase(address);
      filter_servers_.erase(address);
    }
  }
}

std::pair<bool, std::optional<DataVersion>> RouteTable::compare_version(const std::string& cluster, const std::string& address,
                                                                        const DataVersion& version) {
  const std::unique_lock lock(mutex_);
  const auto live = live_.find({cluster, address});
  if (live == live_.end()) return {true, std::nullopt};
  live->second.seen_at_ms = clock_.steady_ms();
  return {live->second.version != version, live->second.version};
}

void RouteTable::refresh(const std::string& cluster, const std::string& address) {
  const std::unique_lock lock(mutex_);
  const auto live = live_.find({cluster, address});
  if (live != live_.end()) live->second.seen_at_ms = clock_.steady_ms();
}

std::vector<std::uint64_t> RouteTable::remove_silent() {
  const std::unique_lock lock(mutex_);
  const auto now = clock_.steady_ms();
  std::vector<Address> silent;
  std::vector<std::uint64_t> connections;
  for (const auto& [address, live] : live_) {
    if (now - live.seen_at_ms <= live.timeout_ms) continue;
    log::warn("broker {} of {} was silent for more than {} ms: removed", address.second, address.first, live.timeout_ms);
    silent.push_back(address);
    connections.push_back(live.connection_id);
  }
  remove_all(silent);
  return connections;
}

void RouteTable::connection_closed(std::uint64_t connection_id) {
  const std::unique_lock lock(mutex_);
  std::vector<Address> lost;
  for (const auto& [address, live] : live_) {
    if (live.connection_id != connection_id) continue;
    log::warn("the connection of broker {} of {} was closed: removed", address.second, address.first);
    lost.push_back(address);
  }
  remove_all(lost);
}

std::optional<TopicRouteData> RouteTable::route(const std::string& topic, const RoutePolicy& policy) const {
  TopicRouteData route;
  const std::shared_lock lock(mutex_);
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return std::nullopt;
  for (const auto& [broker_name, queues] : found->second) {
    route.queue_datas.push_back(queues);
    const auto group = brokers_.find(broker_name);
    if (group == brokers_.end()) continue;
    route.broker_datas.push_back(group->second);
    for (const auto& [id, address] : group->second.broker_addrs) {
      const auto filters = filter_servers_.find({group->second.cluster, address});
      if (filters != filter_servers_.end()) route.filter_server_table[address] = filters->second;
    }
  }
  if (route.broker_datas.empty()) return std::nullopt;
  if (!policy.support_acting_master || topic.starts_with(kMemberGroupPrefix)) return route;

  for (auto& group : route.broker_datas) {
    if (!lacks_master(group) || !group.enable_acting_master) continue;
    const auto queues = found->second.find(group.broker_name);
    if (queues == found->second.end() || permission::writable(queues->second.perm)) continue;
    auto acting = group.broker_addrs.extract(group.broker_addrs.begin());
    acting.key() = kMasterId;
    group.broker_addrs.insert(std::move(acting));
  }
  return route;
}

ClusterInfo RouteTable::cluster_info() const {
  ClusterInfo info;
  const std::shared_lock lock(mutex_);
  info.broker_addr_table = brokers_;
  info.cluster_addr_table = clusters_;
  return info;
}

std::map<std::int64_t, std::string> RouteTable::member_group(const std::string& broker_name) const {
  const std::shared_lock lock(mutex_);
  const auto group = brokers_.find(broker_name);
  return group == brokers_.end() ? std::map<std::int64_t, std::string>{} : group->second.broker_addrs;
}

void RouteTable::register_topic(const std::string& topic, const std::vector<QueueData>& queues) {
  const std::unique_lock lock(mutex_);
  if (queues.empty()) return;
  const bool all_known = std::all_of(queues.begin(), queues.end(), [&](const auto& data) { return brokers_.contains(data.broker_name); });
  if (!all_known) return log::warn("topic {} is not registered: a broker of it is unknown", topic);
  for (const auto& data : queues) topics_[topic][data.broker_name] = data;
}

void RouteTable::delete_topic(const std::string& topic, const std::string& cluster) {
  const std::unique_lock lock(mutex_);
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  if (cluster.empty()) {
    topics_.erase(found);
    return;
  }
  const auto brokers = clusters_.find(cluster);
  if (brokers == clusters_.end()) return;
  for (const auto& broker_name : brokers->second) found->second.erase(broker_name);
  if (found->second.empty()) topics_.erase(found);
}

std::int32_t RouteTable::wipe_write_permission(const std::string& broker_name) {
  const std::unique_lock lock(mutex_);
  return change_permission(broker_name, ~permission::kWrite, 0);
}

std::int32_t RouteTable::add_write_permission(const std::string& broker_name) {
  const std::unique_lock lock(mutex_);
  return change_permission(broker_name, 0, permission::kRead | permission::kWrite);
}

std::int32_t RouteTable::change_permission(const std::string& broker_name, std::int32_t keep, std::int32_t set) {
  std::int32_t count = 0;
  for (auto& entry : topics_) {
    const auto queues = entry.second.find(broker_name);
    if (queues == entry.second.end()) continue;
    queues->second.perm = (queues->second.perm & keep) | set;
    ++count;
  }
  return count;
}

std::set<std::string> RouteTable::topics() const {
  const std::shared_lock lock(mutex_);
  std::set<std::string> names;
  for (const auto& entry : topics_) names.insert(names.end(), entry.first);
  return names;
}

std::set<std::string> RouteTable::topics_of_cluster(const std::string& cluster) const {
  const std::shared_lock lock(mutex_);
  std::set<std::string> names;
  const auto brokers = clusters_.find(cluster);
  if (brokers == clusters_.end()) return names;
  for (const auto& [topic, queues] : topics_) {
    const bool served = std::any_of(queues.begin(), queues.end(), [&](const auto& entry) { return brokers->second.contains(entry.first); });
    if (served) names.insert(names.end(), topic);
  }
  return names;
}

std::pair<std::set<std::string>, std::string> RouteTable::system_topics() const {
  const std::shared_lock lock(mutex_);
  std::pair<std::set<std::string>, std::string> answer;
  for (const auto& [cluster, brokers] : clusters_) {
    answer.first.insert(cluster);
    answer.first.insert(brokers.begin(), brokers.end());
  }
  if (!brokers_.empty() && !brokers_.begin()->second.broker_addrs.empty()) answer.second = brokers_.begin()->second.broker_addrs.begin()->second;
  return answer;
}

std::set<std::string> RouteTable::unit_topics(UnitList which) const {
  const std::shared_lock lock(mutex_);
  std::set<std::string> names;
  for (const auto& [topic, queues] : topics_) {
    if (queues.empty()) continue;
    const auto flag = queues.begin()->second.topic_sys_flag;
    const bool unit = (flag & kUnitFlag) != 0;
    const bool subscription = (flag & kUnitSubscriptionFlag) != 0;
    const bool wanted = which == UnitList::unit ? unit : subscription && (which == UnitList::has_unit_subscription || !unit);
    if (wanted) names.insert(names.end(), topic);
  }
  return names;
}

}  // namespace skylark::nameserver
