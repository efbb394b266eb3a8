// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_config_manager.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <span>

#include "base/log.h"
#include "base/same_text.h"
#include "broker/json_file.h"
#include "broker/topic_names.h"

namespace skylark::broker {
namespace {

std::uint64_t new_generation() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

/// What one thread has found of late: a table of places, four for topics of like hashes, that grows with the topics up to a bound.
class RecentTopics {
 public:
  struct Place {
    std::size_t hash = 0;
    std::uint64_t generation = 0;
    TopicConfigPtr config;
  };

  /// The place of that topic as it was at that generation, or one to be filled, of another generation.
  Place& of(std::string_view topic, std::uint64_t generation) {
    const std::size_t hash = std::hash<std::string_view>{}(topic);
    const std::span<Place> row(&places_[hash & (places_.size() - kRow)], kRow);
    for (Place& place : row) {
      if (place.hash == hash && place.config && same_text(place.config->name, topic)) return place;
    }
    for (Place& place : row) {
      if (place.generation != generation) return taken(place, hash);
    }
    if (places_.size() < kPlacesMax) {
      places_ = std::vector<Place>(places_.size() * 4);
      return taken(places_[hash & (places_.size() - kRow)], hash);
    }
    return taken(row[(hash >> kVictimShift) % kRow], hash);
  }

 private:
  static constexpr std::size_t kRow = 4, kPlacesMin = 16, kPlacesMax = 65'536;  // Powers of two.
  static constexpr int kVictimShift = 32;

  static Place& taken(Place& place, std::size_t hash) {
    place = {hash, 0, nullptr};
    return place;
  }

  std::vector<Place> places_ = std::vector<Place>(kPlacesMin);
};

}  // namespace

/// Keeps everybody else out while the topics change, and makes `find_recent` forget what it knows.
class TopicConfigManager::Change {
 public:
  explicit Change(TopicConfigManager& manager) : manager_(manager), lock_(manager.mutex_) {}
  ~Change() { manager_.generation_.store(new_generation(), std::memory_order_release); }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

 private:
  TopicConfigManager& manager_;
  const std::unique_lock<std::shared_mutex> lock_;
};

bool has_batch_queues(const TopicConfig& topic) {
  const auto type = topic.attributes.find("queue.type");
  return type != topic.attributes.end() && type->second == "BatchCQ";
}

TopicConfigManager::TopicConfigManager(TopicManagerOptions options, FileSystem& files, Clock& clock)
    : options_(std::move(options)), files_(files), clock_(clock), generation_(new_generation()) {
  version_.timestamp = clock_.now_ms();
}

Result<void> TopicConfigManager::load() {
  auto value = read_json_file(files_, options_.path);
  if (!value) return value.error();
  const Change change(*this);
  add_system_topics();
  if (!value->is_object()) return {};
  TopicConfigTable table = TopicConfigTable::from_json(*value);
  version_ = table.version;
  for (auto& [name, config] : table.topics) put_unlocked(std::move(config));
  return {};
}

void TopicConfigManager::add_system_topics() {
  constexpr std::int32_t kReadWrite = permission::kRead | permission::kWrite;
  constexpr std::int32_t kScheduleQueues = 18;
  constexpr std::int32_t kReviveQueues = 8;
  const auto add = [this](std::string name, std::int32_t queues, std::int32_t perm) {
    system_topics_.insert(name);
    TopicConfig config;
    config.name = std::move(name);
    config.read_queues = config.write_queues = queues;
    config.perm = perm;
    put_unlocked(std::move(config));
  };
  add(std::string(names::kSelfTestTopic), 1, kReadWrite);
  if (options_.auto_create) add(std::string(names::kDefaultTopic), options_.default_queues, kReadWrite | permission::kInherit);
  add(std::string(names::kBenchmark), 1024, kReadWrite);
  add(options_.cluster_name, 16, permission::kInherit | (options_.cluster_topic_enable ? kReadWrite : 0));
  add(options_.broker_name, 1, permission::kInherit | (options_.broker_topic_enable ? kReadWrite : 0));
  add(std::string(names::kOffsetMovedTopic), 1, kReadWrite);
  add(std::string(names::kScheduleTopic), kScheduleQueues, kReadWrite);
  if (options_.trace_topic_enable) add(options_.trace_topic, 1, kReadWrite);
  add(options_.cluster_name + std::string(names::kReplySuffix), 1, kReadWrite);
  add(std::string(names::kReviveTopicPrefix) + options_.cluster_name, kReviveQueues, kReadWrite);
  add(std::string(names::kSyncMemberPrefix) + options_.broker_name, 1, permission::kInherit);
  add(std::string(names::kHalfTopic), 1, kReadWrite);
  add(std::string(names::kOpTopic), 1, kReadWrite);
  if (options_.timer_wheel_enable) add(std::string(names::kWheelTimerTopic), 1, kReadWrite);
  // These are of the system whether they exist here or not.
  for (const auto name : {names::kDefaultTopic, names::kTraceTopic, names::kCheckMaxTimeTopic}) system_topics_.emplace(name);
}

void TopicConfigManager::put_unlocked(TopicConfig config) {
  std::string name = config.name;
  topics_.insert_or_assign(std::move(name), std::make_shared<const TopicConfig>(std::move(config)));
}

Result<void> TopicConfigManager::persist() const {
  const std::string text = json::write_pretty(all().to_json());
  auto written = write_json_file(files_, options_.path, text);
  if (!written) log::error("cannot write {}: {}", options_.path, written.error().message());
  return written;
}

TopicConfigPtr TopicConfigManager::find(std::string_view topic) const {
  if (options_.lmq && is_lmq(topic)) {
    TopicConfig config;
    config.name = topic;
    config.read_queues = config.write_queues = 1;
    config.perm = permission::kRead | permission::kWrite;
    return std::make_shared<const TopicConfig>(std::move(config));
  }
  const std::shared_lock lock(mutex_);
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : found->second;
}

const TopicConfigPtr& TopicConfigManager::find_recent(std::string_view topic) const {
  static const TopicConfigPtr kNone;
  thread_local RecentTopics recent;
  const std::uint64_t generation = generation_.load(std::memory_order_acquire);
  RecentTopics::Place& place = recent.of(topic, generation);
  if (place.generation != generation) {
    place.config = find(topic);
    if (!place.config) return kNone;
    place.generation = generation;  // From before the look: a change in between is seen by the next call.
  }
  return place.config;
}

TopicConfigTable TopicConfigManager::all() const {
  TopicConfigTable table;
  std::vector<TopicConfigPtr> configs;
  {
    const std::shared_lock lock(mutex_);
    table.version = version_;
    configs.reserve(topics_.size());
    for (const auto& [name, config] : topics_) configs.push_back(config);
  }
  for (const TopicConfigPtr& config : configs) table.topics.emplace(config->name, *config);
  return table;
}

std::vector<std::string> TopicConfigManager::names() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> all;
  all.reserve(topics_.size());
  for (const auto& [name, config] : topics_) all.push_back(name);
  std::sort(all.begin(), all.end());
  return all;
}

DataVersion TopicConfigManager::version() const {
  const std::shared_lock lock(mutex_);
  return version_;
}

std::set<std::string> TopicConfigManager::system_topics() const {
  const std::shared_lock lock(mutex_);
  return system_topics_;
}

bool TopicConfigManager::is_system_topic(std::string_view topic) const {
  if (topic.starts_with(names::kSystemPrefix)) return true;
  const std::shared_lock lock(mutex_);
  return system_topics_.contains(std::string(topic));
}

bool TopicConfigManager::is_order_topic(std::string_view topic) const {
  const auto config = find(topic);
  return config && config->order;
}

TopicConfigPtr TopicConfigManager::create_on_send(std::string_view topic, std::string_view default_topic, std::int32_t queues_wanted,
                                                  std::int32_t sys_flag) {
  if (auto existing = find(topic)) return existing;
  const auto model = find(default_topic);
  if (!model) return nullptr;
  if (default_topic == names::kDefaultTopic && !options_.auto_create) return nullptr;
  if (!permission::inherited(model->perm)) {
    log::warn("topic {} is not made: its template {} may not be inherited", topic, default_topic);
    return nullptr;
  }
  TopicConfig config;
  config.name = topic;
  config.read_queues = config.write_queues = std::max(0, std::min(queues_wanted, model->write_queues));
  config.perm = model->perm & ~permission::kInherit;
  config.sys_flag = sys_flag;
  config.multi_tag = model->multi_tag;
  return add_new(std::move(config));
}

TopicConfigPtr TopicConfigManager::create_if_absent(std::string_view topic, std::int32_t queues, std::int32_t perm, bool order,
                                                    std::int32_t sys_flag) {
  if (auto existing = find(topic)) {
    if (existing->order == order) return existing;
    TopicConfig changed = *existing;
    changed.order = order;
    update(std::move(changed));
    return find(topic);
  }
  TopicConfig config;
  config.name = topic;
  config.read_queues = config.write_queues = queues;
  config.perm = perm;
  config.order = order;
  config.sys_flag = sys_flag;
  return add_new(std::move(config));
}

TopicConfigPtr TopicConfigManager::add_new(TopicConfig config) {
  const std::string name = config.name;
  TopicConfigPtr added;
  {
    const Change change(*this);
    if (const auto found = topics_.find(name); found != topics_.end()) return found->second;  // Another one was quicker.
    added = std::make_shared<const TopicConfig>(std::move(config));
    topics_.emplace(name, added);
    version_.bump(clock_.now_ms());
  }
  log::info("topic {} made: {} queues, perm {}", name, added->write_queues, added->perm);
  persist_soon();
  announce(added);
  return added;
}

void TopicConfigManager::update(TopicConfig config) {
  std::vector<TopicConfig> one;
  one.push_back(std::move(config));
  update_all(std::move(one));
}

void TopicConfigManager::update_all(std::vector<TopicConfig> configs) {
  std::vector<TopicConfigPtr> changed;
  {
    const Change change(*this);
    for (TopicConfig& config : configs) {
      if (options_.lmq && is_lmq(config.name)) continue;
      auto added = std::make_shared<const TopicConfig>(std::move(config));
      topics_.insert_or_assign(added->name, added);
      version_.bump(clock_.now_ms());
      changed.push_back(std::move(added));
    }
  }
  if (changed.empty()) return;
  persist_soon();
  for (const TopicConfigPtr& config : changed) announce(config);
}

bool TopicConfigManager::remove(std::string_view topic) {
  {
    const Change change(*this);
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return false;
    topics_.erase(found);
    version_.bump(clock_.now_ms());
  }
  persist_soon();
  announce(nullptr);
  return true;
}

void TopicConfigManager::update_order_topics(const std::set<std::string>& ordered) {
  bool changed = false;
  {
    const Change change(*this);
    for (const std::string& topic : ordered) {
      const auto found = topics_.find(topic);
      if (found == topics_.end() || found->second->order) continue;
      TopicConfig config = *found->second;
      config.order = true;
      found->second = std::make_shared<const TopicConfig>(std::move(config));
      changed = true;
    }
    // Retry topics of ordered consumption are ordered without standing in the table.
    for (auto& [name, config] : topics_) {
      if (!config->order || ordered.contains(name) || is_retry_topic(name)) continue;
      TopicConfig plain = *config;
      plain.order = false;
      config = std::make_shared<const TopicConfig>(std::move(plain));
      changed = true;
    }
    if (changed) version_.bump(clock_.now_ms());
  }
  if (changed) persist_soon();
}

void TopicConfigManager::replace(TopicConfigTable table) {
  {
    const Change change(*this);
    topics_.clear();
    for (auto& [name, config] : table.topics) put_unlocked(std::move(config));
    version_ = table.version;
  }
  persist_soon();
  announce(nullptr);
}

void TopicConfigManager::set_change_listener(ChangeListener listener) { listener_ = std::move(listener); }
void TopicConfigManager::set_persist_listener(std::function<void()> listener) { persist_listener_ = std::move(listener); }

void TopicConfigManager::persist_soon() {
  if (persist_listener_) persist_listener_();
}

void TopicConfigManager::announce(const TopicConfigPtr& config) {
  if (listener_) listener_(config);
}

}  // namespace skylark::broker
