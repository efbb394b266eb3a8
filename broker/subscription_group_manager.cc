// SPDX-License-Identifier: Apache-2.0
#include "broker/subscription_group_manager.h"

#include <mutex>

#include "base/log.h"
#include "broker/json_file.h"
#include "broker/topic_names.h"

namespace skylark::broker {

SubscriptionGroupManager::SubscriptionGroupManager(std::string path, bool auto_create, FileSystem& files, Clock& clock, bool lmq)
    : path_(std::move(path)), auto_create_(auto_create), lmq_(lmq), files_(files), clock_(clock) {
  version_.timestamp = clock_.now_ms();
}

void SubscriptionGroupManager::add_system_groups() {
  constexpr std::string_view kGroups[] = {"TOOLS_CONSUMER",  "FILTERSRV_CONSUMER",    "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY",
                                          "CID_ONSAPI_PULL", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER",  "CID_RMQ_SYS_TRANS"};
  for (const auto group : kGroups) {
    SubscriptionGroupConfig config;
    config.name = group;
    config.consume_broadcast_enable = true;
    groups_.insert_or_assign(std::string(group), std::make_shared<const SubscriptionGroupConfig>(std::move(config)));
  }
}

Result<void> SubscriptionGroupManager::load() {
  auto value = read_json_file(files_, path_);
  if (!value) return value.error();
  const std::unique_lock lock(mutex_);
  add_system_groups();
  if (!value->is_object()) return {};
  SubscriptionGroupTable table = SubscriptionGroupTable::from_json(*value);
  version_ = table.version;
  for (auto& [name, config] : table.groups)
    groups_.insert_or_assign(name, std::make_shared<const SubscriptionGroupConfig>(std::move(config)));
  for (const auto& [group, topics] : table.forbidden) {
    for (const auto& [topic, bits] : topics) forbidden_[group][topic] = bits;
  }
  return {};
}

SubscriptionGroupTable SubscriptionGroupManager::all() const {
  SubscriptionGroupTable table;
  std::vector<GroupConfigPtr> configs;
  {
    const std::shared_lock lock(mutex_);
    table.version = version_;
    configs.reserve(groups_.size());
    for (const auto& [name, config] : groups_) configs.push_back(config);
    for (const auto& [group, topics] : forbidden_) {
      for (const auto& [topic, bits] : topics) table.forbidden[group][topic] = bits;
    }
  }
  for (const GroupConfigPtr& config : configs) table.groups.emplace(config->name, *config);
  return table;
}

DataVersion SubscriptionGroupManager::version() const {
  const std::shared_lock lock(mutex_);
  return version_;
}

Result<void> SubscriptionGroupManager::persist() const {
  const std::string text = json::write_pretty(all().to_json());
  auto written = write_json_file(files_, path_, text);
  if (!written) log::error("cannot write {}: {}", path_, written.error().message());
  return written;
}

void SubscriptionGroupManager::set_persist_listener(std::function<void()> listener) { persist_listener_ = std::move(listener); }

void SubscriptionGroupManager::persist_soon() {
  if (persist_listener_) persist_listener_();
}

GroupConfigPtr SubscriptionGroupManager::find_existing(std::string_view group) const {
  if (lmq_ && is_lmq(group)) {
    SubscriptionGroupConfig config;
    config.name = group;
    return std::make_shared<const SubscriptionGroupConfig>(std::move(config));
  }
  const std::shared_lock lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second;
}

GroupConfigPtr SubscriptionGroupManager::find(std::string_view group) {
  if (auto existing = find_existing(group)) return existing;
  if (!auto_create_ && !is_system_group(group)) return nullptr;
  if (!group_name_valid(group)) return nullptr;
  GroupConfigPtr added;
  {
    const std::unique_lock lock(mutex_);
    if (const auto found = groups_.find(group); found != groups_.end()) return found->second;
    SubscriptionGroupConfig config;
    config.name = group;
    added = std::make_shared<const SubscriptionGroupConfig>(std::move(config));
    groups_.emplace(std::string(group), added);
    version_.bump(clock_.now_ms());
  }
  log::info("consumer group {} made", group);
  persist_soon();
  return added;
}

void SubscriptionGroupManager::update(SubscriptionGroupConfig config) {
  std::vector<SubscriptionGroupConfig> one;
  one.push_back(std::move(config));
  update_all(std::move(one));
}

void SubscriptionGroupManager::update_all(std::vector<SubscriptionGroupConfig> configs) {
  {
    const std::unique_lock lock(mutex_);
    for (SubscriptionGroupConfig& config : configs) {
      if (lmq_ && is_lmq(config.name)) continue;
      std::string name = config.name;
      groups_.insert_or_assign(std::move(name), std::make_shared<const SubscriptionGroupConfig>(std::move(config)));
      version_.bump(clock_.now_ms());
    }
  }
  persist_soon();
}

bool SubscriptionGroupManager::remove(std::string_view group) {
  {
    const std::unique_lock lock(mutex_);
    const auto found = groups_.find(group);
    if (const auto refused = forbidden_.find(group); refused != forbidden_.end()) forbidden_.erase(refused);
    if (found == groups_.end()) return false;
    groups_.erase(found);
    version_.bump(clock_.now_ms());
  }
  persist_soon();
  return true;
}

bool SubscriptionGroupManager::is_forbidden(std::string_view group, std::string_view topic, std::int32_t bit_index) const {
  const std::shared_lock lock(mutex_);
  const auto topics = forbidden_.find(group);
  if (topics == forbidden_.end()) return false;
  const auto bits = topics->second.find(topic);
  return bits != topics->second.end() && (bits->second & (1 << bit_index)) != 0;
}

void SubscriptionGroupManager::set_forbidden(std::string_view group, std::string_view topic, std::int32_t bit_index, bool forbidden) {
  {
    const std::unique_lock lock(mutex_);
    std::int32_t& bits = forbidden_[std::string(group)][std::string(topic)];
    bits = forbidden ? bits | (1 << bit_index) : bits & ~(1 << bit_index);
    if (bits == 0) {
      const auto topics = forbidden_.find(group);
      topics->second.erase(std::string(topic));
      if (topics->second.empty()) forbidden_.erase(topics);
    }
    version_.bump(clock_.now_ms());
  }
  persist_soon();
}

void SubscriptionGroupManager::replace(SubscriptionGroupTable table) {
  {
    const std::unique_lock lock(mutex_);
    groups_.clear();
    forbidden_.clear();
    for (auto& [name, config] : table.groups) groups_.emplace(name, std::make_shared<const SubscriptionGroupConfig>(std::move(config)));
    for (const auto& [group, topics] : table.forbidden) {
      for (const auto& [topic, bits] : topics) forbidden_[group][topic] = bits;
    }
    version_ = table.version;
  }
  persist_soon();
}

}  // namespace skylark::broker
