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

/// One counter with its past: every 10 s for a minute, every 10 min for a day. Moments at which nothing had changed are not kept, so that
/// one of many queues that stand still takes little memory. Source: StatsItem.java. Threads: one at a time.
class StatsItem {
 public:
  explicit StatsItem(std::int64_t since_ms) noexcept : since_ms_(since_ms) {}

  void add(std::int64_t value, std::int64_t times) noexcept {
    value_ += value;
    times_ += times;
  }
  void sample_fine(std::int64_t now_ms);
  void sample_coarse(std::int64_t now_ms);
  /// Times are those of a steady clock, as everywhere here.
  [[nodiscard]] StatsView view(std::int64_t now_ms) const;

  static constexpr std::int64_t kFineMs = 10'000, kCoarseMs = 600'000;

 private:
  struct Sample {
    std::int64_t at_ms = 0, value = 0, times = 0;
  };
  using Samples = std::vector<Sample>;
  void take(Samples& samples, std::int64_t now_ms, std::int64_t span_ms) const;
  [[nodiscard]] StatsWindow window(const Samples& samples, std::int64_t now_ms, std::int64_t span_ms, std::int64_t step_ms) const;

  std::int64_t value_ = 0, times_ = 0;
  std::int64_t since_ms_;
  Samples fine_, coarse_;
};

}  // namespace skylark::broker
