// SPDX-License-Identifier: Apache-2.0
#include "broker/consumer_offset_manager.h"

#include <algorithm>

#include "base/log.h"
#include "broker/json_file.h"
#include "broker/topic_names.h"

namespace skylark::broker {
namespace {

/// Valid until the next call of this thread: one is asked for with every pull.
const std::string& key_of(std::string_view topic, std::string_view group) {
  thread_local std::string key;
  return key.assign(topic).append(1, '@').append(group);
}

/// Topic and group of a key; empty when it is not made of exactly two parts, as Java sees it.
std::pair<std::string_view, std::string_view> parts_of(std::string_view key) {
  const auto at = key.find('@');
  if (at == std::string_view::npos || key.find('@', at + 1) != std::string_view::npos) return {};
  return {key.substr(0, at), key.substr(at + 1)};
}

void warn_if_back(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t offset, std::int64_t before) {
  if (offset < before) log::warn("group {} goes back in {} queue {}: {} after {}", group, topic, queue_id, offset, before);
}

bool of_group(std::string_view key, std::string_view group) {
  return key.size() > group.size() && key.ends_with(group) && key[key.size() - group.size() - 1] == '@';
}
bool of_topic(std::string_view key, std::string_view topic) {
  return key.size() > topic.size() && key.starts_with(topic) && key[topic.size()] == '@';
}

}  // namespace

ConsumerOffsetManager::ConsumerOffsetManager(std::string path, std::int64_t version_step, FileSystem& files, Clock& clock, bool lmq)
    : path_(std::move(path)), version_step_(std::max<std::int64_t>(version_step, 1)), lmq_(lmq), files_(files), clock_(clock) {
  version_.timestamp = clock_.now_ms();
}

Result<void> ConsumerOffsetManager::load() {
  auto value = read_json_file(files_, path_);
  if (!value) return value.error();
  if (!value->is_object()) return {};
  const std::lock_guard lock(mutex_);
  read_unlocked(*value);
  return {};
}

void ConsumerOffsetManager::read_unlocked(const json::Value& value) {
  offsets_.clear();
  for (const auto& [key, queues] : value["offsetTable"].members()) {
    OffsetsByQueue& offsets = offsets_[key.as_string()];
    for (const auto& [queue_id, offset] : queues.members()) offsets[static_cast<std::int32_t>(queue_id.as_integer())] = offset.as_integer();
  }
  if (lmq_) {
    for (const auto& [key, offset] : value["lmqOffsetTable"].members()) offsets_[key.as_string()] = {{0, offset.as_integer()}};
  }
  if (value.contains("dataVersion")) version_ = DataVersion::from_json(value["dataVersion"]);
}

void ConsumerOffsetManager::replace(const json::Value& value) {
  const std::lock_guard lock(mutex_);
  read_unlocked(value);
  ++changes_;
}

void ConsumerOffsetManager::persist() {
  const std::lock_guard file_lock(file_mutex_);
  json::Value value;
  std::uint64_t changes = 0;
  {
    const std::lock_guard lock(mutex_);
    if (changes_ == written_changes_) return;
    changes = changes_;
    value = to_json_unlocked();
  }
  if (const auto written = write_json_file(files_, path_, json::write_pretty(value)); !written) {
    log::error("cannot write {}: {}", path_, written.error().message());
    return;
  }
  written_changes_ = changes;
}

json::Value ConsumerOffsetManager::to_json() const {
  const std::lock_guard lock(mutex_);
  return to_json_unlocked();
}

json::Value ConsumerOffsetManager::to_json_unlocked() const {
  std::map<std::string_view, std::vector<std::string_view>> topics_by_group;
  json::Value table{json::Object{}};
  json::Value lmq_table{json::Object{}};
  for (const auto& [key, queues] : offsets_) {
    const auto [topic, group] = parts_of(key);
    if (lmq_ && is_lmq(group)) {
      if (!queues.empty()) lmq_table.set(key, queues.begin()->second);
      continue;
    }
    if (!group.empty()) topics_by_group[group].push_back(topic);
    json::Value by_queue{json::Object{}};
    for (const auto& [queue_id, offset] : queues) by_queue.set(queue_id, offset);
    table.set(key, std::move(by_queue));
  }
  json::Value groups{json::Object{}};
  for (const auto& [group, topics] : topics_by_group) {
    json::Value list{json::Array{}};
    for (const auto topic : topics) list.push(topic);
    groups.set(group, std::move(list));
  }
  json::Value value;
  value.set("dataVersion", version_.to_json());
  value.set("groupTopicMap", std::move(groups));
  if (lmq_) value.set("lmqOffsetTable", std::move(lmq_table));
  value.set("offsetTable", std::move(table));
  return value;
}

std::int32_t ConsumerOffsetManager::queue_of(std::string_view group, std::int32_t queue_id) const {
  return lmq_ && is_lmq(group) ? 0 : queue_id;
}

void ConsumerOffsetManager::commit(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t offset) {
  std::int64_t before = -1;
  {
    const std::lock_guard lock(mutex_);
    before = commit_unlocked(key_of(topic, group), queue_of(group, queue_id), offset);
  }
  warn_if_back(group, topic, queue_id, offset, before);
}

/// The offset that was there before; -1: none.
std::int64_t ConsumerOffsetManager::commit_unlocked(const std::string& key, std::int32_t queue_id, std::int64_t offset) {
  ++changes_;
  const auto [entry, added] = offsets_[key].try_emplace(queue_id, offset);
  const std::int64_t before = added ? -1 : std::exchange(entry->second, offset);
  if (++commits_ % version_step_ == 0) version_.bump(clock_.now_ms());
  return before;
}

std::int64_t ConsumerOffsetManager::look_up(const Table& table, std::string_view group, std::string_view topic, std::int32_t queue_id) {
  const auto queues = table.find(key_of(topic, group));
  if (queues == table.end()) return -1;
  const auto found = queues->second.find(queue_id);
  return found == queues->second.end() ? -1 : found->second;
}

std::int64_t ConsumerOffsetManager::query(std::string_view group, std::string_view topic, std::int32_t queue_id) const {
  const std::lock_guard lock(mutex_);
  // A pending reset is what the group will see.
  if (!resets_.empty()) {
    if (const auto reset = look_up(resets_, group, topic, queue_id); reset >= 0) return reset;
  }
  return look_up(offsets_, group, topic, queue_of(group, queue_id));
}

OffsetsByQueue ConsumerOffsetManager::offsets(std::string_view group, std::string_view topic) const {
  const std::lock_guard lock(mutex_);
  const auto found = offsets_.find(key_of(topic, group));
  return found == offsets_.end() ? OffsetsByQueue{} : found->second;
}

void ConsumerOffsetManager::commit_pull(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t offset,
                                        std::optional<std::int64_t> consumed) {
  const std::string& key = key_of(topic, group);
  std::int64_t before = -1;
  {
    const std::lock_guard lock(mutex_);
    pull_offsets_[key][queue_id] = offset;
    if (consumed) before = commit_unlocked(key, queue_of(group, queue_id), *consumed);
  }
  if (consumed) warn_if_back(group, topic, queue_id, *consumed, before);
}

std::int64_t ConsumerOffsetManager::query_pull(std::string_view group, std::string_view topic, std::int32_t queue_id) const {
  const std::lock_guard lock(mutex_);
  return look_up(pull_offsets_, group, topic, queue_id);
}

void ConsumerOffsetManager::assign_reset(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t offset) {
  const std::lock_guard lock(mutex_);
  const std::string& key = key_of(topic, group);
  ++changes_;
  offsets_[key][queue_of(group, queue_id)] = offset;
  resets_[key][queue_id] = offset;
  may_reset_.store(true, std::memory_order_release);
  version_.bump(clock_.now_ms());
}

bool ConsumerOffsetManager::has_reset(std::string_view group, std::string_view topic, std::int32_t queue_id) const {
  const std::lock_guard lock(mutex_);
  return !resets_.empty() && look_up(resets_, group, topic, queue_id) >= 0;
}

std::optional<std::int64_t> ConsumerOffsetManager::take_reset(std::string_view group, std::string_view topic, std::int32_t queue_id) {
  if (!may_reset_.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  may_reset_.store(!resets_.empty(), std::memory_order_release);
  const auto queues = resets_.find(key_of(topic, group));
  if (queues == resets_.end()) return std::nullopt;
  const auto found = queues->second.find(queue_id);
  if (found == queues->second.end()) return std::nullopt;
  const std::int64_t offset = found->second;
  queues->second.erase(found);
  if (queues->second.empty()) resets_.erase(queues);
  return offset;
}

std::set<std::string> ConsumerOffsetManager::topics_of(std::string_view group) const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> topics;
  for (const auto& [key, queues] : offsets_) {
    if (const auto [topic, owner] = parts_of(key); !owner.empty() && owner == group) topics.emplace(topic);
  }
  return topics;
}

std::set<std::string> ConsumerOffsetManager::groups_of(std::string_view topic) const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> groups;
  for (const auto& [key, queues] : offsets_) {
    if (const auto [name, group] = parts_of(key); !group.empty() && name == topic) groups.emplace(group);
  }
  return groups;
}

void ConsumerOffsetManager::remove_group(std::string_view group) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  const auto mine = [group](const auto& item) { return of_group(item.first, group); };
  std::erase_if(offsets_, mine);
  std::erase_if(pull_offsets_, mine);
  std::erase_if(resets_, mine);
}

void ConsumerOffsetManager::remove_topic(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  const auto mine = [topic](const auto& item) { return of_topic(item.first, topic); };
  std::erase_if(offsets_, mine);
  std::erase_if(pull_offsets_, mine);
  std::erase_if(resets_, mine);
}

void ConsumerOffsetManager::retain(const std::function<bool(const std::string&, const std::string&)>& keep) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  std::erase_if(offsets_, [&keep](const auto& item) {
    const auto [topic, group] = parts_of(item.first);
    return !group.empty() && !keep(std::string(topic), std::string(group));
  });
}

void ConsumerOffsetManager::clone(std::string_view source, std::string_view target, std::string_view topic) {
  const std::lock_guard lock(mutex_);
  const auto found = offsets_.find(key_of(topic, source));
  if (found == offsets_.end()) return;
  ++changes_;
  OffsetsByQueue copy = found->second;
  offsets_[key_of(topic, target)] = std::move(copy);
}

OffsetsByQueue ConsumerOffsetManager::min_offsets(std::string_view topic, const std::set<std::string>& filtered_groups) const {
  const std::lock_guard lock(mutex_);
  OffsetsByQueue least;
  for (const auto& [key, queues] : offsets_) {
    const auto [name, group] = parts_of(key);
    if (group.empty() || name != topic || filtered_groups.contains(std::string(group))) continue;
    for (const auto& [queue_id, offset] : queues) {
      const auto [entry, added] = least.try_emplace(queue_id, offset);
      if (!added) entry->second = std::min(entry->second, offset);
    }
  }
  return least;
}

std::map<std::string, OffsetsByQueue> ConsumerOffsetManager::all() const {
  const std::lock_guard lock(mutex_);
  return {offsets_.begin(), offsets_.end()};
}

DataVersion ConsumerOffsetManager::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace skylark::broker
