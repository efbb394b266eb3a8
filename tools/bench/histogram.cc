// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace skylark::bench {

namespace {

constexpr unsigned kSubBits = 7;  // 128 buckets to a doubling.
constexpr std::uint64_t kSubCount = 1u << kSubBits;
constexpr unsigned kValueBits = 40;
constexpr std::uint64_t kValueMax = (std::uint64_t{1} << kValueBits) - 1;
constexpr std::size_t kBucketCount = (kValueBits - kSubBits + 1) * kSubCount;

}  // namespace

Histogram::Histogram() : buckets_(kBucketCount) {}

// Values below 128 have a bucket each; [128, 256) is the first doubling with buckets of width 1, [256, 512) has width 2, ...
std::size_t Histogram::index_of(std::uint64_t value) noexcept {
  if (value < kSubCount) return static_cast<std::size_t>(value);
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
  return static_cast<std::size_t>((shift + 1) * kSubCount + ((value >> shift) - kSubCount));
}

std::int64_t Histogram::upper_bound_of(std::size_t index) noexcept {
  if (index < kSubCount) return static_cast<std::int64_t>(index);
  const std::size_t shift = index / kSubCount - 1;
  const std::uint64_t lower = (kSubCount + index % kSubCount) << shift;
  return static_cast<std::int64_t>(lower + (std::uint64_t{1} << shift) - 1);
}

void Histogram::record(std::int64_t value_ns) noexcept {
  const std::int64_t value = std::clamp<std::int64_t>(value_ns, 0, static_cast<std::int64_t>(kValueMax));
  ++buckets_[index_of(static_cast<std::uint64_t>(value))];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kBucketCount; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

void Histogram::clear() noexcept {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  max_ = 0;
  sum_ = 0;
}

double Histogram::mean_ns() const noexcept { return count_ == 0 ? 0.0 : sum_ / static_cast<double>(count_); }

std::int64_t Histogram::percentile_ns(double percent) const noexcept {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBucketCount; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(upper_bound_of(i), max_);
  }
  return max_;
}

}  // namespace skylark::bench
