// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace skylark::broker {

/// Counts over one window of a statistic. Source: StatsSnapshot.java.
struct StatsWindow {
  std::int64_t sum = 0;
  double tps = 0;
  double average_per_time = 0;  ///< avgpt.
};
struct StatsView {
  StatsWindow minute, hour, day;
};

/// Messages and bytes with their past: every 10 s for a minute, every 10 min for a day. Moments at which nothing had changed are not kept,
/// so that one of many queues that stand still takes little memory. Source: StatsItem.java. Threads: one at a time.
class StatsItem {
 public:
  explicit StatsItem(std::int64_t since_ms) noexcept : since_ms_(since_ms) {}

  enum class Value { messages, bytes };

  void add(std::int64_t times, std::int64_t messages, std::int64_t bytes) noexcept {
    times_ += times;
    messages_ += messages;
    bytes_ += bytes;
  }
  /// To be called every `kFineMs`.
  void sample(std::int64_t now_ms);
  /// Times are those of a steady clock, as everywhere here.
  [[nodiscard]] StatsView view(std::int64_t now_ms, Value of) const;

  static constexpr std::int64_t kFineMs = 10'000, kCoarseMs = 600'000;

 private:
  struct Sample {
    std::int64_t at_ms = 0, times = 0, messages = 0, bytes = 0;
  };
  [[nodiscard]] StatsWindow window(std::int64_t now_ms, Value of, std::int64_t span_ms, std::int64_t step_ms) const;

  std::int64_t times_ = 0, messages_ = 0, bytes_ = 0;
  std::int64_t since_ms_;
  std::vector<Sample> past_;
};

}  // namespace skylark::broker
