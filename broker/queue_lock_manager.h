// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/message_store.h"
#include "base/text_map.h"

namespace skylark::broker {

/// Who consumes which queue of a group in order. A lock lives 60 s from its last success. Source: RebalanceLockManager.java.
/// Threads: any.
class QueueLockManager {
 public:
  explicit QueueLockManager(Clock& clock, std::chrono::milliseconds lifetime = std::chrono::seconds(60));

  /// Locks or renews each queue that is free, expired or held by the same client. The queues that are now held by it.
  std::vector<QueueId> lock(std::string_view group, const std::vector<QueueId>& queues, std::string_view client_id);
  /// Releases those held by that client.
  void unlock(std::string_view group, const std::vector<QueueId>& queues, std::string_view client_id);
  /// Whether any queue of the group has a live lock: the group consumes in order. Source: !isLockAllExpired.
  [[nodiscard]] bool any_live(std::string_view group) const;

 private:
  struct Lock {
    std::string client_id;
    std::int64_t renewed_ms = 0;
  };
  [[nodiscard]] bool live(const Lock& lock) const { return clock_.steady_ms() - lock.renewed_ms <= lifetime_ms_; }
  Clock& clock_;
  const std::int64_t lifetime_ms_;
  mutable std::mutex mutex_;
  TextMap<std::map<QueueId, Lock>> groups_;
};

}  // namespace skylark::broker
