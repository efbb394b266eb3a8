// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace skylark::bench {

/// Counts of durations in buckets whose width grows with the value: 128 buckets to each doubling, so a percentile is at most
/// 0.8 % above the true one. Values are nanoseconds from 0 to about 18 minutes; larger ones count as the largest.
///
/// Threads: one. Recording costs a shift and an increment.
class Histogram {
 public:
  Histogram();

  /// Negative values count as zero.
  void record(std::int64_t value_ns) noexcept;
  void merge(const Histogram& other) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::int64_t max_ns() const noexcept { return max_; }
  [[nodiscard]] double mean_ns() const noexcept;
  /// Smallest bound that at least `percent` of the values do not exceed, never above `max_ns()`; 0 when nothing was recorded.
  [[nodiscard]] std::int64_t percentile_ns(double percent) const noexcept;

 private:
  static std::size_t index_of(std::uint64_t value) noexcept;
  static std::int64_t upper_bound_of(std::size_t index) noexcept;

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace skylark::bench
