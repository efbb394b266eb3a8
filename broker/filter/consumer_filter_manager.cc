// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/consumer_filter_manager.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/json_file.h"

namespace skylark::broker {
namespace {

constexpr std::size_t kCompiledMax = 100;  // SelectorParser.PARSE_CACHE.
constexpr std::int64_t kDeadOnLoadMs = 30'000;

ConsumerFilterPtr with_death(const ConsumerFilterPtr& filter, std::int64_t dead_ms) {
  auto changed = std::make_shared<ConsumerFilter>(*filter);
  changed->dead_ms = dead_ms;
  return changed;
}

json::Value filter_json(const ConsumerFilter& filter) {
  json::Value positions{json::Array{}};
  for (const std::int32_t position : filter.bits.positions) positions.push(position);
  json::Value bits;
  bits.set("bitNum", filter.bits.bit_count);
  bits.set("bitPos", std::move(positions));
  json::Value value;
  value.set("bloomFilterData", std::move(bits));
  value.set("bornTime", filter.born_ms);
  value.set("clientVersion", filter.client_version);
  value.set("consumerGroup", filter.group);
  value.set("dead", filter.is_dead());
  value.set("deadTime", filter.dead_ms);
  value.set("expression", filter.expression);
  value.set("expressionType", filter.expression_type);
  value.set("topic", filter.topic);
  return value;
}

}  // namespace

ConsumerFilterManager::ConsumerFilterManager(ConsumerFilterOptions options, FileSystem& files, Clock& clock)
    : options_(std::move(options)), files_(files), clock_(clock), bloom_(options_.error_percent, options_.consumer_count) {}

Result<void> ConsumerFilterManager::load() {
  const auto written = read_json_file(files_, options_.path);
  if (!written) return written.error();
  TextMap<Groups> topics;
  if (!read(*written, topics)) {
    log::warn("{} was written with other Bloom settings and is left out: consumers register their filters again", options_.path);
    return {};
  }
  const std::unique_lock lock(mutex_);
  topics_ = std::move(topics);
  return {};
}

/// False for filters whose bits are not of this Bloom filter: none of the file can be used then.
bool ConsumerFilterManager::read(const json::Value& written, TextMap<Groups>& topics) {
  const std::int64_t now_ms = clock_.now_ms();
  for (const auto& [topic, by_topic] : written["filterDataByTopic"].members()) {
    for (const auto& [group, value] : by_topic["groupFilterData"].members()) {
      ConsumerFilter filter;
      filter.topic = topic.as_string();
      filter.group = group.as_string();
      filter.expression = value["expression"].as_string();
      filter.expression_type = value["expressionType"].as_string(filter.expression_type);
      filter.born_ms = value["bornTime"].as_integer();
      filter.dead_ms = value["deadTime"].as_integer();
      filter.client_version = value["clientVersion"].as_integer();
      filter.bits.bit_count = value["bloomFilterData"]["bitNum"].as_int32();
      for (const json::Value& position : value["bloomFilterData"]["bitPos"].items()) filter.bits.positions.push_back(position.as_int32(-1));
      if (!bloom_.fits(filter.bits)) return false;
      // Nobody has asked for it since the stop, at the latest.
      if (filter.dead_ms == 0) filter.dead_ms = std::max(filter.born_ms, now_ms - kDeadOnLoadMs);
      std::string error;
      filter.compiled = compile(filter.expression, error);
      if (!filter.compiled) {
        log::error("{}: the filter of {} for {} is left out: {}", options_.path, filter.group, filter.topic, error);
        continue;
      }
      ConsumerFilterPtr& place = topics[filter.topic][filter.group];
      place = std::make_shared<const ConsumerFilter>(std::move(filter));
    }
  }
  return true;
}

void ConsumerFilterManager::persist() {
  const std::lock_guard file_lock(file_mutex_);
  drop_dead();
  const std::string text = json::write_pretty(to_json());
  if (const auto written = write_json_file(files_, options_.path, text); !written)
    log::error("cannot write {}: {}", options_.path, written.error().message());
}

void ConsumerFilterManager::drop_dead() {
  const std::int64_t now_ms = clock_.now_ms();
  const std::unique_lock lock(mutex_);
  for (auto topic = topics_.begin(); topic != topics_.end();) {
    std::erase_if(topic->second, [&](const auto& item) {
      const ConsumerFilter& filter = *item.second;
      return filter.is_dead() && now_ms - filter.dead_ms >= options_.dead_kept_ms;
    });
    topic = topic->second.empty() ? topics_.erase(topic) : std::next(topic);
  }
}

json::Value ConsumerFilterManager::to_json() const {
  json::Value topics{json::Object{}};
  const std::shared_lock lock(mutex_);
  for (const auto& [topic, groups] : topics_) {
    json::Value group_filters{json::Object{}};
    for (const auto& [group, filter] : groups) group_filters.set(group, filter_json(*filter));
    json::Value by_topic;
    by_topic.set("groupFilterData", std::move(group_filters));
    by_topic.set("topic", topic);
    topics.set(topic, std::move(by_topic));
  }
  json::Value all;
  all.set("filterDataByTopic", std::move(topics));
  return all;
}

void ConsumerFilterManager::register_group(std::string_view group, std::span<const SubscriptionData> subscriptions) {
  const bool by_tags =
      std::all_of(subscriptions.begin(), subscriptions.end(), [](const SubscriptionData& one) { return one.is_tag_type(); });
  if (by_tags) {  // Nearly every heartbeat.
    const std::shared_lock lock(mutex_);
    if (topics_.empty()) return;
  }
  const std::int64_t now_ms = clock_.now_ms();
  const std::unique_lock lock(mutex_);
  for (const SubscriptionData& subscription : subscriptions) {
    if (!subscription.is_tag_type() && !subscription.expression.empty()) register_one(group, subscription, now_ms);
  }
  for (auto& [topic, groups] : topics_) {
    const auto found = groups.find(group);
    if (found == groups.end() || found->second->is_dead()) continue;
    const bool named =
        std::any_of(subscriptions.begin(), subscriptions.end(), [&name = topic](const SubscriptionData& one) { return one.topic == name; });
    if (!named) found->second = with_death(found->second, now_ms);
  }
}

void ConsumerFilterManager::register_one(std::string_view group, const SubscriptionData& subscription, std::int64_t now_ms) {
  Groups& groups = topics_[subscription.topic];
  const auto found = groups.find(group);
  const ConsumerFilterPtr known = found == groups.end() ? nullptr : found->second;
  if (known && subscription.version < known->client_version) return;
  if (known && subscription.version == known->client_version) {
    if (known->is_dead()) found->second = with_death(known, 0);
    return;
  }
  ConsumerFilterPtr wanted;
  if (known && known->expression == subscription.expression && known->expression_type == subscription.expression_type) {
    auto newer = std::make_shared<ConsumerFilter>(*known);
    newer->client_version = subscription.version;
    newer->dead_ms = 0;
    wanted = std::move(newer);
  } else {
    wanted = made(group, subscription, now_ms);
  }
  if (wanted)
    groups.insert_or_assign(std::string(group), std::move(wanted));
  else if (known)
    groups.erase(found);  // It cannot be compiled: pulls tell the client so.
  if (groups.empty()) topics_.erase(topics_.find(subscription.topic));
}

ConsumerFilterPtr ConsumerFilterManager::made(std::string_view group, const SubscriptionData& subscription, std::int64_t now_ms) {
  std::string error;
  auto compiled = subscription.expression_type == "SQL92" ? compile(subscription.expression, error) : nullptr;
  if (!compiled) {
    log::warn("the filter of group {} for topic {} is not registered: {}: {}", group, subscription.topic, subscription.expression, error);
    return nullptr;
  }
  auto filter = std::make_shared<ConsumerFilter>();
  filter->topic = subscription.topic;
  filter->group = group;
  filter->expression = subscription.expression;
  filter->expression_type = subscription.expression_type;
  filter->born_ms = now_ms;
  filter->client_version = subscription.version;
  filter->bits = bloom_.bits_of(filter->group + "#" + filter->topic);
  filter->compiled = std::move(compiled);
  return filter;
}

void ConsumerFilterManager::unregister_group(std::string_view group) {
  const std::int64_t now_ms = clock_.now_ms();
  const std::unique_lock lock(mutex_);
  for (auto& [topic, groups] : topics_) {
    const auto found = groups.find(group);
    if (found != groups.end() && !found->second->is_dead()) found->second = with_death(found->second, now_ms);
  }
}

ConsumerFilterPtr ConsumerFilterManager::find(std::string_view topic, std::string_view group) const {
  const std::shared_lock lock(mutex_);
  const auto groups = topics_.find(topic);
  if (groups == topics_.end()) return nullptr;
  const auto found = groups->second.find(group);
  return found == groups->second.end() ? nullptr : found->second;
}

std::shared_ptr<const SqlExpression> ConsumerFilterManager::compile(std::string_view text, std::string& error) {
  {
    const std::lock_guard lock(compiled_mutex_);
    if (const auto found = compiled_.find(text); found != compiled_.end()) return found->second;
  }
  auto compiled = SqlExpression::compile(text, error);
  if (!compiled) return nullptr;
  const std::lock_guard lock(compiled_mutex_);
  if (compiled_.size() >= kCompiledMax) compiled_.clear();
  compiled_.insert_or_assign(std::string(text), compiled);
  return compiled;
}

std::string ConsumerFilterManager::bit_map(std::string_view topic, std::string_view properties) const {
  const std::shared_lock lock(mutex_);
  const auto groups = topics_.find(topic);
  if (groups == topics_.end() || groups->second.empty()) return {};
  std::string map = bloom_.empty_map();
  for (const auto& [group, filter] : groups->second) {
    if (filter->compiled->matches(properties)) BloomFilter::add(filter->bits, map);
  }
  return map;
}

}  // namespace skylark::broker
