// SPDX-License-Identifier: Apache-2.0
#include "broker/producer_manager.h"

#include "base/log.h"
#include "remoting/connection.h"

namespace skylark::broker {

ProducerManager::ProducerManager(Clock& clock, std::chrono::milliseconds client_expiry)
    : clock_(clock), client_expiry_ms_(client_expiry.count()) {}

void ProducerManager::register_producer(std::string_view group, const ClientChannel& client) {
  const std::lock_guard lock(mutex_);
  auto found = groups_.find(group);
  if (found == groups_.end()) found = groups_.emplace(std::string(group), Group{}).first;
  Member& member = found->second.members[client.connection->id()];
  member.client = client;
  member.client.last_update_ms = clock_.now_ms();
  member.seen_ms = clock_.steady_ms();
}

void ProducerManager::unregister_producer(std::string_view group, const ClientChannel& client) {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  found->second.members.erase(client.connection->id());
  if (found->second.members.empty()) groups_.erase(found);
}

void ProducerManager::on_connection_closed(const remoting::ConnectionPtr& connection) {
  const std::lock_guard lock(mutex_);
  for (auto group = groups_.begin(); group != groups_.end();) {
    group->second.members.erase(connection->id());
    group = group->second.members.empty() ? groups_.erase(group) : std::next(group);
  }
}

void ProducerManager::expire() {
  std::vector<ClientChannel> expired;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t oldest_ms = clock_.steady_ms() - client_expiry_ms_;
    for (auto group = groups_.begin(); group != groups_.end();) {
      std::erase_if(group->second.members, [&](const auto& item) {
        if (item.second.seen_ms >= oldest_ms) return false;
        expired.push_back(item.second.client);
        return true;
      });
      group = group->second.members.empty() ? groups_.erase(group) : std::next(group);
    }
  }
  for (const ClientChannel& client : expired) {
    log::warn("producer {} at {} expired", client.client_id, client.connection->remote_address());
    client.connection->close();
  }
}

std::vector<ClientChannel> ProducerManager::clients(std::string_view group) const {
  const std::lock_guard lock(mutex_);
  std::vector<ClientChannel> all;
  const auto found = groups_.find(group);
  if (found == groups_.end()) return all;
  for (const auto& [id, member] : found->second.members) all.push_back(member.client);
  return all;
}

std::map<std::string, std::vector<ClientChannel>> ProducerManager::all() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::vector<ClientChannel>> table;
  for (const auto& [name, group] : groups_) {
    auto& list = table[name];
    for (const auto& [id, member] : group.members) list.push_back(member.client);
  }
  return table;
}

std::optional<ClientChannel> ProducerManager::find_client(std::string_view client_id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, group] : groups_) {
    for (const auto& [id, member] : group.members) {
      if (member.client.client_id == client_id) return member.client;
    }
  }
  return std::nullopt;
}

std::optional<ClientChannel> ProducerManager::next_client(std::string_view group) {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  auto& members = found->second.members;
  auto member = members.upper_bound(found->second.last_asked);
  for (std::size_t tried = 0; tried < members.size(); ++tried, ++member) {
    if (member == members.end()) member = members.begin();
    if (!member->second.client.connection->is_open()) continue;
    found->second.last_asked = member->first;
    return member->second.client;
  }
  return std::nullopt;
}

}  // namespace skylark::broker
