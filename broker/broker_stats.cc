// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_stats.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>
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

void BrokerStats::add_unlocked(std::string_view name, std::string_view key, std::int64_t value, std::int64_t times, std::int64_t since_ms) {
  item(name, key, since_ms).add(times, value, 0);
}

void BrokerStats::add(std::string_view name, std::string_view key, std::int64_t value, std::int64_t times) {
  const std::lock_guard lock(mutex_);
  add_unlocked(name, key, value, times, clock_.steady_ms());
}

BrokerStats::PutShard& BrokerStats::shard_of_this_thread() const noexcept {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return shards_[number % kShardCount];
}

void BrokerStats::add_put(std::string_view topic, std::int32_t queue_id, std::int64_t messages, std::int64_t bytes) {
  PutShard& shard = shard_of_this_thread();
  bool full = false;
  {
    const std::lock_guard lock(shard.mutex);
    auto queues = shard.topics.find(topic);
    if (queues == shard.topics.end()) queues = shard.topics.emplace(std::string(topic), PutShard::Queues{}).first;
    PutShard::Counts& counts = queues->second[queue_id];
    if (counts.times++ == 0) {
      counts.since_ms = clock_.steady_ms();
      ++shard.queues;
    }
    counts.messages += messages;
    counts.bytes += bytes;
    full = shard.queues >= kShardQueuesMax;
  }
  if (!full) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);  // Nobody who stores messages waits for one who looks at all items.
  if (lock) fold_shard(shard);
}

void BrokerStats::fold() const {
  for (PutShard& shard : shards_) fold_shard(shard);
}

void BrokerStats::fold_shard(PutShard& shard) const {
  decltype(shard.topics) topics;
  {
    const std::lock_guard lock(shard.mutex);
    topics.swap(shard.topics);
    shard.queues = 0;
  }
  for (const auto& [topic, queues] : topics) fold_topic(topic, queues);
}

void BrokerStats::fold_topic(const std::string& topic, const PutShard::Queues& queues) const {
  PutShard::Counts sum;
  sum.since_ms = std::numeric_limits<std::int64_t>::max();
  for (const auto& [queue_id, counts] : queues) {
    sum.times += counts.times;
    sum.messages += counts.messages;
    sum.bytes += counts.bytes;
    sum.since_ms = std::min(sum.since_ms, counts.since_ms);
  }
  const auto add = [](StatsItem& item, const PutShard::Counts& counts) { item.add(counts.times, counts.messages, counts.bytes); };
  TopicPuts& puts = puts_.try_emplace(topic, TopicPuts{StatsItem(sum.since_ms), {}}).first->second;
  add(puts.all, sum);
  for (const auto& [queue_id, counts] : queues) add(puts.queues.try_emplace(queue_id, counts.since_ms).first->second, counts);
  add(item("BROKER_PUT_NUMS", cluster_name_, sum.since_ms), sum);
  if (!topic.starts_with("rmq_sys_") && !topic.starts_with("RMQ_SYS_"))
    add(item("BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC", cluster_name_, sum.since_ms), sum);
  put_times_ += sum.messages;
  put_bytes_ += sum.bytes;
}

void BrokerStats::add_get(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t messages,
                          std::int64_t bytes) {
  get_found_.fetch_add(1, std::memory_order_relaxed);
  get_messages_.fetch_add(messages, std::memory_order_relaxed);
  const std::string key = joined(topic, group);
  const std::string queue = joined(joined(topic, std::to_string(queue_id)), group);
  const std::int64_t now_ms = clock_.steady_ms();
  const std::lock_guard lock(mutex_);
  add_unlocked("GROUP_GET_NUMS", key, messages, 1, now_ms);
  add_unlocked("GROUP_GET_SIZE", key, bytes, 1, now_ms);
  add_unlocked("QUEUE_GET_NUMS", queue, messages, 1, now_ms);
  add_unlocked("QUEUE_GET_SIZE", queue, bytes, 1, now_ms);
  add_unlocked("BROKER_GET_NUMS", cluster_name_, messages, 1, now_ms);
  if (!topic.starts_with("rmq_sys_") && !topic.starts_with("RMQ_SYS_"))
    add_unlocked("BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC", cluster_name_, messages, 1, now_ms);
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
