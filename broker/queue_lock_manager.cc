// SPDX-License-Identifier: Apache-2.0
#include "broker/queue_lock_manager.h"

namespace skylark::broker {

QueueLockManager::QueueLockManager(Clock& clock, std::chrono::milliseconds lifetime) : clock_(clock), lifetime_ms_(lifetime.count()) {}

std::vector<QueueId> QueueLockManager::lock(std::string_view group, const std::vector<QueueId>& queues, std::string_view client_id) {
  std::vector<QueueId> held;
  const std::lock_guard guard(mutex_);
  auto& locks = groups_[std::string(group)];
  for (const QueueId& queue : queues) {
    Lock& lock = locks[queue];
    if (lock.client_id != client_id && !lock.client_id.empty() && live(lock)) continue;
    lock.client_id = client_id;
    lock.renewed_ms = clock_.steady_ms();
    held.push_back(queue);
  }
  return held;
}

void QueueLockManager::unlock(std::string_view group, const std::vector<QueueId>& queues, std::string_view client_id) {
  const std::lock_guard guard(mutex_);
  const auto locks = groups_.find(group);
  if (locks == groups_.end()) return;
  for (const QueueId& queue : queues) {
    const auto found = locks->second.find(queue);
    if (found != locks->second.end() && found->second.client_id == client_id) locks->second.erase(found);
  }
  if (locks->second.empty()) groups_.erase(locks);
}

bool QueueLockManager::any_live(std::string_view group) const {
  const std::lock_guard guard(mutex_);
  const auto locks = groups_.find(group);
  if (locks == groups_.end()) return false;
  for (const auto& [queue, lock] : locks->second) {
    if (live(lock)) return true;
  }
  return false;
}

}  // namespace skylark::broker
