// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/queue_map.h"
#include "broker/stats_item.h"
#include "base/text_map.h"

namespace skylark::broker {

/// What went through this broker: totals since start and statistics by name and key for request 315.
/// Source: BrokerStatsManager.java, StoreStatsService.java. Threads: any.
class BrokerStats {
 public:
  BrokerStats(Clock& clock, std::string cluster_name);

  /// Messages stored for a topic and queue by one request.
  void add_put(std::string_view topic, std::int32_t queue_id, std::int64_t messages, std::int64_t bytes);
  void add_put_failed() noexcept { put_failed_.fetch_add(1, std::memory_order_relaxed); }
  /// Messages handed to a group by one pull.
  void add_get(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t messages, std::int64_t bytes);
  void add_get_miss() noexcept { get_miss_.fetch_add(1, std::memory_order_relaxed); }
  void add_send_back(std::string_view group, std::string_view topic);
  /// Adds to any statistic: `name` as in reference remoting 9.3, `key` its key.
  void add(std::string_view name, std::string_view key, std::int64_t value, std::int64_t times = 1);

  /// Empty when nothing was ever counted under it.
  [[nodiscard]] std::optional<StatsView> find(std::string_view name, std::string_view key) const;
  /// Messages per second over the last minute, for consume stats and topic stats.
  [[nodiscard]] double tps(std::string_view name, std::string_view key) const;

  /// Takes samples for the windows; called about every second, exactness does not matter.
  void sample();

  struct Totals {
    std::int64_t put_times = 0, put_failed = 0, put_bytes = 0, get_messages = 0, get_found = 0, get_miss = 0;
    std::int64_t put_yesterday_morning = 0, put_today_morning = 0, get_yesterday_morning = 0, get_today_morning = 0;
    std::int64_t boot_ms = 0;
  };
  [[nodiscard]] Totals totals() const;
  enum class Rate { put, get_found, get_miss, get_total, get_transferred };
  /// Three decimals separated by spaces: over 10 s, 1 min and 10 min, as far as there are samples. Source: StoreStatsService.
  [[nodiscard]] std::string tps_text(Rate rate) const;

 private:
  struct RateSample {
    std::int64_t at_ms = 0, put = 0, found = 0, miss = 0, transferred = 0;
  };
  /// Of one second or so.
  struct Counts {
    std::uint32_t times = 0, messages = 0;
    std::int64_t bytes = 0;
  };
  /// What was counted since the last `fold` by the threads that share it. Puts come with every message: one table for all would be one lock
  /// for all cores, and looking up six counters by name was a fifteenth of a send.
  struct alignas(64) Shard {
    std::mutex mutex;
    std::int64_t since_ms = 0;  ///< Steady time of the first count in it.
    QueueMap<Counts> puts;
    QueueMap<Counts> gets;  ///< By `topic@group` and queue.
  };
  /// A shard with so many queues is folded by the next one: what it holds is memory of this thread, which would keep it.
  static constexpr std::size_t kShardQueuesMax = 12'000;
  /// Where the puts of a topic are counted. Its queues, which may be many, have no names of their own to be looked up by.
  struct TopicPuts {
    StatsItem all;
    std::unordered_map<std::int32_t, StatsItem> queues;
  };
  [[nodiscard]] Shard& shard_of_this_thread() const noexcept;
  void count(Shard& shard, QueueMap<Counts>& table, std::string_view name, std::int32_t queue_id, std::int64_t messages,
             std::int64_t bytes);
  /// Moves what the shards hold to `items_` and the totals. `mutex_` is held.
  void fold() const;
  void fold_shard(Shard& shard) const;
  void fold_put(std::string_view topic, std::int32_t queue_id, const Counts& counts, std::int64_t since_ms) const;
  void fold_get(std::string_view topic_and_group, std::int32_t queue_id, const Counts& counts, std::int64_t since_ms) const;
  void add_to_broker(std::string_view all, std::string_view without_system, std::string_view topic, const Counts& counts,
                     std::int64_t since_ms) const;
  /// Made when it is not there; it stays where it is.
  [[nodiscard]] StatsItem& item(std::string_view name, std::string_view key, std::int64_t since_ms) const;
  /// Null when nothing was ever counted under it.
  [[nodiscard]] const StatsItem* find_item(std::string_view name, std::string_view key) const;
  [[nodiscard]] const StatsItem* find_put(bool of_queue, std::string_view key) const;

  Clock& clock_;
  const std::string cluster_name_;
  const std::int64_t boot_ms_;
  std::atomic<std::int64_t> put_failed_{0}, get_messages_{0}, get_found_{0}, get_miss_{0};
  static constexpr std::size_t kShardCount = 16;
  mutable std::array<Shard, kShardCount> shards_;
  mutable std::mutex mutex_;  // Guards all below; taken before that of a shard.
  mutable TextMap<TextMap<StatsItem>> items_;
  mutable TextMap<TopicPuts> puts_;
  mutable std::int64_t put_times_ = 0, put_bytes_ = 0;
  std::deque<RateSample> rates_;
  std::int64_t sampled_ms_ = 0, day_ = 0;
  std::int64_t put_yesterday_ = 0, put_today_ = 0, get_yesterday_ = 0, get_today_ = 0;
};

}  // namespace skylark::broker
