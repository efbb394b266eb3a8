// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace skylark::bench {

/// Fixed times at which something is due, whatever happened to what was due before: a late one stays due at its own time, so that
/// waiting behind others is measured and not left out.
class Schedule {
 public:
  /// `rate`: how many a second, above 0.
  Schedule(std::int64_t begin_ns, double rate) : begin_ns_(begin_ns), step_ns_(1e9 / rate) {}

  /// When the next one is due.
  [[nodiscard]] std::int64_t next_ns() const noexcept {
    return begin_ns_ + static_cast<std::int64_t>(static_cast<double>(taken_) * step_ns_);
  }
  [[nodiscard]] bool is_due(std::int64_t now_ns) const noexcept { return next_ns() <= now_ns; }
  /// Takes the next one and returns when it was due.
  std::int64_t take() noexcept {
    const std::int64_t due = next_ns();
    ++taken_;
    return due;
  }

 private:
  std::int64_t begin_ns_;
  double step_ns_;
  std::int64_t taken_ = 0;
};

/// True for `percent` of every 100 calls in a row, spread evenly.
class Share {
 public:
  explicit Share(std::int32_t percent) : percent_(percent) {}
  bool next() noexcept {
    sum_ += percent_;
    if (sum_ < 100) return false;
    sum_ -= 100;
    return true;
  }

 private:
  std::int32_t percent_;
  std::int32_t sum_ = 0;
};

}  // namespace skylark::bench
