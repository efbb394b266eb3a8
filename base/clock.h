// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace skylark {

/// Where all time comes from, so that tests can hold it. Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Milliseconds since the Unix epoch; may jump when the machine's clock is set.
  [[nodiscard]] virtual std::int64_t now_ms() const noexcept = 0;
  /// Milliseconds that never run backwards, from an arbitrary start: for deadlines and expiry.
  [[nodiscard]] virtual std::int64_t steady_ms() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ms() const noexcept override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
  [[nodiscard]] std::int64_t steady_ms() const noexcept override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

/// A clock that stands still until it is told to advance; both times move together.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t now_ms = 1'700'000'000'000) noexcept : now_ms_(now_ms) {}
  void advance(std::chrono::milliseconds by) noexcept { now_ms_ += by.count(); }
  [[nodiscard]] std::int64_t now_ms() const noexcept override { return now_ms_; }
  [[nodiscard]] std::int64_t steady_ms() const noexcept override { return now_ms_; }

 private:
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace skylark
