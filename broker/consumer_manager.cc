// SPDX-License-Identifier: Apache-2.0
#include "broker/consumer_manager.h"

#include "base/log.h"
#include "protocol/client_headers.h"
#include "protocol/request_code.h"
#include "remoting/connection.h"

namespace skylark::broker {

ConsumerManager::ConsumerManager(Clock& clock, std::chrono::milliseconds client_expiry, std::chrono::milliseconds subscription_expiry)
    : clock_(clock), client_expiry_ms_(client_expiry.count()), subscription_expiry_ms_(subscription_expiry.count()) {}

void ConsumerManager::set_notify_policy(NotifyPolicy policy) { notify_policy_ = std::move(policy); }

ConsumerManager::Notice ConsumerManager::notice_for(const std::string& name, const Group& group) {
  Notice notice{.group = name, .connections = {}, .gone = group.members.empty()};
  if (group.is_broadcast()) return notice;
  for (const auto& [id, member] : group.members) notice.connections.push_back(member.client.connection);
  return notice;
}

void ConsumerManager::tell(const Notice& notice) const {
  if (notice.gone && group_gone_) group_gone_(notice.group);
  if (notice.connections.empty() || (notify_policy_ && !notify_policy_(notice.group))) return;
  for (const auto& connection : notice.connections) {
    RemotingCommand request = make_request(to_int(RequestCode::notify_consumer_ids_changed),
                                           NotifyConsumerIdsChangedRequestHeader{.consumer_group = notice.group});
    request.codec = connection->preferred_codec();
    connection->invoke_one_way(std::move(request));
  }
}

bool ConsumerManager::update_subscriptions(Group& group, const ConsumerData& data, std::int64_t now_ms) {
  bool changed = false;
  std::set<std::string_view> listed;
  for (const SubscriptionData& wanted : data.subscriptions) {
    listed.insert(wanted.topic);
    auto found = group.subscriptions.find(wanted.topic);
    if (found == group.subscriptions.end()) {
      found = group.subscriptions.emplace(wanted.topic, Subscription{std::make_shared<const SubscriptionData>(wanted), now_ms}).first;
      changed = true;
    } else if (wanted.version > found->second.data->version) {
      found->second.data = std::make_shared<const SubscriptionData>(wanted);
    }
    found->second.seen_ms = now_ms;
  }
  const auto removed = std::erase_if(group.subscriptions, [&listed](const auto& item) { return !listed.contains(item.first); });
  return changed || removed != 0;
}

bool ConsumerManager::register_consumer(const ConsumerData& data, const ClientChannel& client, bool keep_subscriptions) {
  Notice notice;
  {
    const std::lock_guard lock(mutex_);
    auto found = groups_.find(data.group);
    if (found == groups_.end()) found = groups_.emplace(data.group, Group{}).first;
    Group& group = found->second;
    group.consume_type = data.consume_type;
    group.message_model = data.message_model;
    group.consume_from_where = data.consume_from_where;
    const std::int64_t now_ms = clock_.steady_ms();
    const auto [member, joined] = group.members.try_emplace(client.connection->id());
    member->second.client = client;
    member->second.client.last_update_ms = clock_.now_ms();
    member->second.seen_ms = now_ms;
    bool changed = joined;
    if (!keep_subscriptions && update_subscriptions(group, data, now_ms)) changed = true;
    if (!changed) return false;
    notice = notice_for(data.group, group);
  }
  tell(notice);
  return true;
}

void ConsumerManager::unregister_consumer(std::string_view group, const ClientChannel& client) {
  Notice notice;
  {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(group);
    if (found == groups_.end() || found->second.members.erase(client.connection->id()) == 0) return;
    notice = notice_for(found->first, found->second);
    if (found->second.members.empty()) groups_.erase(found);
  }
  log::info("consumer {} left group {}", client.client_id, group);
  tell(notice);
}

void ConsumerManager::on_connection_closed(const remoting::ConnectionPtr& connection) {
  std::vector<Notice> notices;
  {
    const std::lock_guard lock(mutex_);
    for (auto group = groups_.begin(); group != groups_.end();) {
      if (group->second.members.erase(connection->id()) != 0) notices.push_back(notice_for(group->first, group->second));
      group = group->second.members.empty() ? groups_.erase(group) : std::next(group);
    }
  }
  for (const Notice& notice : notices) tell(notice);
}

void ConsumerManager::expire() {
  std::vector<Notice> notices;
  std::vector<ClientChannel> expired;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now_ms = clock_.steady_ms();
    for (auto group = groups_.begin(); group != groups_.end();) {
      const auto gone = std::erase_if(group->second.members, [&](const auto& item) {
        if (now_ms - item.second.seen_ms <= client_expiry_ms_) return false;
        expired.push_back(item.second.client);
        return true;
      });
      std::erase_if(group->second.subscriptions, [&](const auto& item) { return now_ms - item.second.seen_ms > subscription_expiry_ms_; });
      if (gone != 0) notices.push_back(notice_for(group->first, group->second));
      group = group->second.members.empty() ? groups_.erase(group) : std::next(group);
    }
  }
  for (const ClientChannel& client : expired) {
    log::warn("consumer {} at {} expired", client.client_id, client.connection->remote_address());
    client.connection->close();
  }
  for (const Notice& notice : notices) tell(notice);
}

std::optional<ConsumerGroupState> ConsumerManager::find(std::string_view group) const {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  ConsumerGroupState state{.group = found->first,
                           .consume_type = found->second.consume_type,
                           .message_model = found->second.message_model,
                           .consume_from_where = found->second.consume_from_where,
                           .subscriptions = {},
                           .clients = {}};
  for (const auto& [topic, subscription] : found->second.subscriptions) state.subscriptions.emplace(topic, *subscription.data);
  for (const auto& [id, member] : found->second.members) state.clients.push_back(member.client);
  return state;
}

PullSubscription ConsumerManager::look_up(std::string_view group, std::string_view topic) const {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return {};
  PullSubscription seen{.online = true, .broadcast = found->second.is_broadcast(), .subscription = nullptr};
  if (const auto subscription = found->second.subscriptions.find(topic); subscription != found->second.subscriptions.end()) {
    seen.subscription = subscription->second.data;
  }
  return seen;
}

SubscriptionPtr ConsumerManager::find_subscription(std::string_view group, std::string_view topic) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = groups_.find(group); found != groups_.end()) {
    if (const auto item = found->second.subscriptions.find(topic); item != found->second.subscriptions.end()) return item->second.data;
  }
  if (const auto found = compensated_.find(group); found != compensated_.end()) {
    if (const auto item = found->second.subscriptions.find(topic); item != found->second.subscriptions.end()) return item->second;
  }
  return nullptr;
}

std::size_t ConsumerManager::subscription_count(std::string_view group) const {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? 0 : found->second.subscriptions.size();
}

std::vector<std::string> ConsumerManager::client_ids(std::string_view group) const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> ids;  // A client that reconnected is for a moment there twice.
  if (const auto found = groups_.find(group); found != groups_.end()) {
    for (const auto& [id, member] : found->second.members) ids.insert(member.client.client_id);
  }
  return {ids.begin(), ids.end()};
}

std::optional<ClientChannel> ConsumerManager::find_client(std::string_view group, std::string_view client_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  // The newest connection of a client is the one it uses.
  for (auto member = found->second.members.rbegin(); member != found->second.members.rend(); ++member) {
    if (member->second.client.client_id == client_id) return member->second.client;
  }
  return std::nullopt;
}

std::set<std::string> ConsumerManager::groups_of_topic(std::string_view topic) const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> names;
  for (const auto& [name, group] : groups_) {
    if (group.subscriptions.contains(topic)) names.insert(name);
  }
  return names;
}

std::vector<std::string> ConsumerManager::groups() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, group] : groups_) names.push_back(name);
  return names;
}

void ConsumerManager::compensate(std::string_view group, std::string_view consume_type, std::string_view message_model,
                                 const SubscriptionData& subscription) {
  const std::lock_guard lock(mutex_);
  if (groups_.contains(group)) return;
  auto found = compensated_.find(group);
  if (found == compensated_.end()) found = compensated_.emplace(std::string(group), Compensated{}).first;
  Compensated& told = found->second;
  told.consume_type = consume_type;
  told.message_model = message_model;
  SubscriptionPtr& known = told.subscriptions[subscription.topic];
  if (!known || known->expression != subscription.expression) known = std::make_shared<const SubscriptionData>(subscription);
}

}  // namespace skylark::broker
