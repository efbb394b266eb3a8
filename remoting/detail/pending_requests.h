// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "remoting/connection.h"

namespace skylark::remoting::detail {

/// Requests of ours on one connection that wait for their answers. Each callback leaves this table exactly once and is called by
/// whoever took it out, with no lock held.
/// Threads: any.
class PendingRequests {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Keeps the callback and gives the opaque of its request; empty, with `callback` untouched, once `close` has been called.
  [[nodiscard]] std::optional<std::int32_t> add(ResponseCallback& callback, TimePoint deadline);
  /// The callback of that request; empty when it is not (or no longer) waiting.
  [[nodiscard]] ResponseCallback take(std::int32_t opaque);
  [[nodiscard]] std::vector<ResponseCallback> take_expired(TimePoint now);
  /// Takes all and refuses what comes later.
  [[nodiscard]] std::vector<ResponseCallback> close();

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] bool empty() const;

 private:
  struct Entry {
    TimePoint deadline;
    ResponseCallback callback;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::int32_t, Entry> entries_;
  std::set<std::pair<TimePoint, std::int32_t>> by_deadline_;
  std::uint32_t last_opaque_ = 0;
  bool closed_ = false;
};

}  // namespace skylark::remoting::detail
