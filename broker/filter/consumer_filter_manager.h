// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "broker/filter/bloom_filter.h"
#include "broker/filter/sql_expression.h"
#include "base/text_map.h"
#include "protocol/bodies/heartbeat.h"
#include "protocol/json.h"

namespace skylark::broker {

/// The SQL92 filter of one group for one topic. Source: ConsumerFilterData.java.
struct ConsumerFilter {
  std::string topic;
  std::string group;
  std::string expression;
  std::string expression_type = "SQL92";
  std::int64_t born_ms = 0;  ///< Messages stored later have its bits in their maps.
  std::int64_t dead_ms = 0;  ///< Since when nobody of the group has asked for it; 0 while somebody does.
  std::int64_t client_version = 0;
  BloomBits bits;
  std::shared_ptr<const SqlExpression> compiled;

  [[nodiscard]] bool is_dead() const noexcept { return dead_ms >= born_ms; }
};
using ConsumerFilterPtr = std::shared_ptr<const ConsumerFilter>;

struct ConsumerFilterOptions {
  std::string path;                        ///< consumerFilter.json.
  std::int32_t error_percent = 20;         ///< maxErrorRateOfBloomFilter.
  std::int32_t consumer_count = 32;        ///< expectConsumerNumUseFilter.
  std::int64_t dead_kept_ms = 86'400'000;  ///< filterDataCleanTimeSpan.
};

/// Filters by expression that groups have registered with their heartbeats. A filter outlives its consumers for a day, so that what
/// arrives meanwhile has its bit. Source: ConsumerFilterManager.java; the file as in Java.
/// Threads: any.
class ConsumerFilterManager {
 public:
  ConsumerFilterManager(ConsumerFilterOptions options, FileSystem& files, Clock& clock);

  /// Errors: `malformed` when the file and its backup cannot be read. A file of other Bloom settings is left out.
  [[nodiscard]] Result<void> load();
  /// Drops what is dead for too long and writes the file. Called every 10 s and at stop.
  void persist();

  /// What a group's heartbeat says: filters by expression are registered, those of topics it does not name any more die.
  void register_group(std::string_view group, std::span<const SubscriptionData> subscriptions);
  /// The last member of the group has gone.
  void unregister_group(std::string_view group);
  /// Null when there is none; also a dead one.
  [[nodiscard]] ConsumerFilterPtr find(std::string_view topic, std::string_view group) const;
  /// Compiles, or finds among the last ones compiled. Null when `text` is no expression; `error` then says why.
  [[nodiscard]] std::shared_ptr<const SqlExpression> compile(std::string_view text, std::string& error);
  /// Bit map of a message: the bits of every filter of its topic that wants it. Empty when the topic has no filters.
  [[nodiscard]] std::string bit_map(std::string_view topic, std::string_view properties) const;
  [[nodiscard]] const BloomFilter& bloom() const noexcept { return bloom_; }

 private:
  using Groups = std::map<std::string, ConsumerFilterPtr, std::less<>>;
  /// With the lock held.
  void register_one(std::string_view group, const SubscriptionData& subscription, std::int64_t now_ms);
  [[nodiscard]] ConsumerFilterPtr made(std::string_view group, const SubscriptionData& subscription, std::int64_t now_ms);
  [[nodiscard]] json::Value to_json() const;
  [[nodiscard]] bool read(const json::Value& written, TextMap<Groups>& topics);
  void drop_dead();

  const ConsumerFilterOptions options_;
  FileSystem& files_;
  Clock& clock_;
  const BloomFilter bloom_;
  mutable std::shared_mutex mutex_;
  TextMap<Groups> topics_;  ///< By topic, then by group.
  std::mutex compiled_mutex_;
  TextMap<std::shared_ptr<const SqlExpression>> compiled_;
  std::mutex file_mutex_;
};

}  // namespace skylark::broker
