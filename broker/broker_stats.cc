// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_stats.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace skylark::broker {
namespace {

constexpr std::string_view kTopicPutNums = "TOPIC_PUT_NUMS", kTopicPutSize = "TOPIC_PUT_SIZE";
constexpr std::string_view kQueuePutNums = "QUEUE_PUT_NUMS", kQueuePutSize = "QUEUE_PUT_SIZE";
constexpr std::int64_t kSecondMs = 1'000, kMinuteMs = 60'000, kDayMs = 86'400'000;
constexpr std::int64_t kShortRateMs = 10 * kSecondMs;
constexpr std::int64_t kRateSpanMs = 10 * kMinuteMs;

/// Number of the local day, to see midnight pass.
std::int64_t local_day(std::int64_t now_ms) {
  const std::time_t seconds = now_ms / kSecondMs;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return (seconds + local.tm_gmtoff) / (kDayMs / kSecondMs);
}

/// Java always writes a fraction.
std::string java_double(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string joined(std::string_view a, std::string_view b) { return std::string(a).append(1, '@').append(b); }

}  // namespace

BrokerStats::BrokerStats(Clock& clock, std::string cluster_name)
    : clock_(clock), cluster_name_(std::move(cluster_name)), boot_ms_(clock.now_ms()), day_(local_day(boot_ms_)) {}

StatsItem& BrokerStats::item(std::string_view name, std::string_view key, std::int64_t since_ms) const {
  auto by_key = items_.find(name);
  if (by_key == items_.end()) by_key = items_.emplace(std::string(name), TextMap<StatsItem>{}).first;
  const auto found = by_key->second.find(key);
  return found != by_key->second.end() ? found->second : by_key->second.emplace(std::string(key), StatsItem(since_ms)).first->second;
}

void BrokerStats::add(std::string_view name, std::string_view key, std::int64_t value, std::int64_t times) {
  const std::lock_guard lock(mutex_);
  item(name, key, clock_.steady_ms()).add(times, value, 0);
}

BrokerStats::Shard& BrokerStats::shard_of_this_thread() const noexcept {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return shards_[number % kShardCount];
}

void BrokerStats::add_put(std::string_view topic, std::int32_t queue_id, std::int64_t messages, std::int64_t bytes) {
  Shard& shard = shard_of_this_thread();
  count(shard, shard.puts, topic, queue_id, messages, bytes);
}

/// `table`: of that shard.
void BrokerStats::count(Shard& shard, QueueMap<Counts>& table, std::string_view name, std::int32_t queue_id, std::int64_t messages,
                        std::int64_t bytes) {
  bool full = false;
  {
    const std::lock_guard lock(shard.mutex);
    if (shard.puts.size() + shard.gets.size() == 0) shard.since_ms = clock_.steady_ms();
    Counts& counts = table.at(name, queue_id);
    ++counts.times;
    counts.messages += static_cast<std::uint32_t>(messages);
    counts.bytes += bytes;
    full = table.size() >= kShardQueuesMax;
  }
  if (!full) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);  // Nobody who serves messages waits for one who looks at all items.
  if (lock) fold_shard(shard);
}

void BrokerStats::fold() const {
  for (Shard& shard : shards_) fold_shard(shard);
}

void BrokerStats::fold_shard(Shard& shard) const {
  QueueMap<Counts> puts, gets;
  std::int64_t since_ms = 0;
  {
    const std::lock_guard lock(shard.mutex);
    since_ms = shard.since_ms;
    std::swap(puts, shard.puts);
    std::swap(gets, shard.gets);
  }
  const auto fold_put_here = [this, since_ms](std::string_view topic, std::int32_t queue_id, const Counts& counts) {
    fold_put(topic, queue_id, counts, since_ms);
  };
  const auto fold_get_here = [this, since_ms](std::string_view name, std::int32_t queue_id, const Counts& counts) {
    fold_get(name, queue_id, counts, since_ms);
  };
  puts.for_each(fold_put_here);
  gets.for_each(fold_get_here);
}

void BrokerStats::fold_put(std::string_view topic, std::int32_t queue_id, const Counts& counts, std::int64_t since_ms) const {
  auto puts = puts_.find(topic);
  if (puts == puts_.end()) puts = puts_.emplace(std::string(topic), TopicPuts{StatsItem(since_ms), {}}).first;
  puts->second.all.add(counts.times, counts.messages, counts.bytes);
  StatsItem& queue = puts->second.queues.try_emplace(queue_id, since_ms).first->second;
  queue.add(counts.times, counts.messages, counts.bytes);
  add_to_broker("BROKER_PUT_NUMS", "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC", topic, counts, since_ms);
  put_times_ += counts.messages;
  put_bytes_ += counts.bytes;
}

void BrokerStats::fold_get(std::string_view topic_and_group, std::int32_t queue_id, const Counts& counts, std::int64_t since_ms) const {
  const std::string_view topic = topic_and_group.substr(0, topic_and_group.find('@'));  // No name has one.
  const std::string queue = fmt::format("{}@{}{}", topic, queue_id, topic_and_group.substr(topic.size()));
  item("GROUP_GET_NUMS", topic_and_group, since_ms).add(counts.times, counts.messages, 0);
  item("GROUP_GET_SIZE", topic_and_group, since_ms).add(counts.times, counts.bytes, 0);
  item("QUEUE_GET_NUMS", queue, since_ms).add(counts.times, counts.messages, 0);
  item("QUEUE_GET_SIZE", queue, since_ms).add(counts.times, counts.bytes, 0);
  add_to_broker("BROKER_GET_NUMS", "BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC", topic, counts, since_ms);
}

void BrokerStats::add_to_broker(std::string_view all, std::string_view without_system, std::string_view topic, const Counts& counts,
                                std::int64_t since_ms) const {
  item(all, cluster_name_, since_ms).add(counts.times, counts.messages, 0);
  if (topic.starts_with("rmq_sys_") || topic.starts_with("RMQ_SYS_")) return;
  item(without_system, cluster_name_, since_ms).add(counts.times, counts.messages, 0);
}

void BrokerStats::add_get(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t messages,
                          std::int64_t bytes) {
  get_found_.fetch_add(1, std::memory_order_relaxed);
  get_messages_.fetch_add(messages, std::memory_order_relaxed);
  thread_local std::string name;
  name.assign(topic).append(1, '@').append(group);
  Shard& shard = shard_of_this_thread();
  count(shard, shard.gets, name, queue_id, messages, bytes);
}

void BrokerStats::add_send_back(std::string_view group, std::string_view topic) { add("SNDBCK_PUT_NUMS", joined(topic, group), 1); }

const StatsItem* BrokerStats::find_put(bool of_queue, std::string_view key) const {
  const std::size_t topic_end = of_queue ? key.rfind('@') : key.size();
  if (topic_end == std::string_view::npos) return nullptr;
  const auto topic = puts_.find(key.substr(0, topic_end));
  if (topic == puts_.end()) return nullptr;
  if (!of_queue) return &topic->second.all;
  std::int32_t queue_id = -1;
  const auto [end, error] = std::from_chars(key.data() + topic_end + 1, key.data() + key.size(), queue_id);
  const auto queue = topic->second.queues.find(queue_id);
  const bool found = error == std::errc() && end == key.data() + key.size() && queue != topic->second.queues.end();
  return found ? &queue->second : nullptr;
}

const StatsItem* BrokerStats::find_item(std::string_view name, std::string_view key) const {
  const bool of_queue = name == kQueuePutNums || name == kQueuePutSize;
  if (of_queue || name == kTopicPutNums || name == kTopicPutSize) return find_put(of_queue, key);
  const auto by_key = items_.find(name);
  if (by_key == items_.end()) return nullptr;
  const auto found = by_key->second.find(key);
  return found == by_key->second.end() ? nullptr : &found->second;
}

std::optional<StatsView> BrokerStats::find(std::string_view name, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  fold();
  const StatsItem* const found = find_item(name, key);
  if (found == nullptr) return std::nullopt;
  const bool bytes = name == kTopicPutSize || name == kQueuePutSize;
  return found->view(clock_.steady_ms(), bytes ? StatsItem::Value::bytes : StatsItem::Value::messages);
}

double BrokerStats::tps(std::string_view name, std::string_view key) const {
  const auto view = find(name, key);
  return view ? view->minute.tps : 0.0;
}

void BrokerStats::sample() {
  const std::lock_guard lock(mutex_);
  fold();
  const std::int64_t now_ms = clock_.steady_ms();
  rates_.push_back({.at_ms = now_ms, .put = put_times_, .found = get_found_, .miss = get_miss_, .transferred = get_messages_});
  while (rates_.size() > 1 && now_ms - rates_.front().at_ms > kRateSpanMs) rates_.pop_front();

  if (now_ms - sampled_ms_ >= StatsItem::kFineMs) {
    sampled_ms_ = now_ms;
    for (auto& [name, by_key] : items_) {
      for (auto& [key, item] : by_key) item.sample(now_ms);
    }
    for (auto& [topic, puts] : puts_) {
      puts.all.sample(now_ms);
      for (auto& [queue_id, queue] : puts.queues) queue.sample(now_ms);
    }
  }

  if (const std::int64_t day = local_day(clock_.now_ms()); day != day_) {
    day_ = day;
    put_yesterday_ = std::exchange(put_today_, put_times_);
    get_yesterday_ = std::exchange(get_today_, get_messages_.load());
  }
}

BrokerStats::Totals BrokerStats::totals() const {
  const std::lock_guard lock(mutex_);
  fold();
  return {.put_times = put_times_,
          .put_failed = put_failed_,
          .put_bytes = put_bytes_,
          .get_messages = get_messages_,
          .get_found = get_found_,
          .get_miss = get_miss_,
          .put_yesterday_morning = put_yesterday_,
          .put_today_morning = put_today_,
          .get_yesterday_morning = get_yesterday_,
          .get_today_morning = get_today_,
          .boot_ms = boot_ms_};
}

std::string BrokerStats::tps_text(Rate rate) const {
  const auto value = [rate](const RateSample& sample) {
    switch (rate) {
      case Rate::put: return sample.put;
      case Rate::get_found: return sample.found;
      case Rate::get_miss: return sample.miss;
      case Rate::get_total: return sample.found + sample.miss;
      case Rate::get_transferred: return sample.transferred;
    }
    return std::int64_t{0};
  };
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const std::int64_t span_ms : {kShortRateMs, kMinuteMs, kRateSpanMs}) {
    if (span_ms > kShortRateMs) text += ' ';
    if (rates_.empty()) continue;
    const RateSample& last = rates_.back();
    // A longer span than there are samples has no figure, as in Java; the shortest is taken over what there is.
    if (span_ms > kShortRateMs && last.at_ms - rates_.front().at_ms < span_ms - kSecondMs) continue;
    auto first = rates_.begin();
    while (first->at_ms < last.at_ms - span_ms) ++first;
    const double elapsed_s = static_cast<double>(std::max<std::int64_t>(last.at_ms - first->at_ms, 1)) / 1000.0;
    text += java_double(static_cast<double>(value(last) - value(*first)) / elapsed_s);
  }
  return text;
}

}  // namespace skylark::broker
