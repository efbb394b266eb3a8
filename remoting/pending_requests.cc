// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/pending_requests.h"

namespace skylark::remoting::detail {

std::optional<std::int32_t> PendingRequests::add(ResponseCallback& callback, TimePoint deadline) {
  const std::lock_guard lock(mutex_);
  if (closed_) return std::nullopt;
  std::int32_t opaque = 0;
  do {  // Wraps around after two billion requests, and passes over those that still wait.
    last_opaque_ = (last_opaque_ + 1) & 0x7FFFFFFFu;
    opaque = static_cast<std::int32_t>(last_opaque_);
  } while (entries_.contains(opaque));
  entries_.emplace(opaque, Entry{deadline, std::move(callback)});
  by_deadline_.emplace(deadline, opaque);
  return opaque;
}

ResponseCallback PendingRequests::take(std::int32_t opaque) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(opaque);
  if (found == entries_.end()) return {};
  ResponseCallback callback = std::move(found->second.callback);
  by_deadline_.erase({found->second.deadline, opaque});
  entries_.erase(found);
  return callback;
}

std::vector<ResponseCallback> PendingRequests::take_expired(TimePoint now) {
  std::vector<ResponseCallback> expired;
  const std::lock_guard lock(mutex_);
  while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
    const auto found = entries_.find(by_deadline_.begin()->second);
    expired.push_back(std::move(found->second.callback));
    entries_.erase(found);
    by_deadline_.erase(by_deadline_.begin());
  }
  return expired;
}

std::vector<ResponseCallback> PendingRequests::close() {
  std::vector<ResponseCallback> all;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  all.reserve(entries_.size());
  for (const auto& [deadline, opaque] : by_deadline_) all.push_back(std::move(entries_.at(opaque).callback));
  entries_.clear();
  by_deadline_.clear();
  return all;
}

std::optional<PendingRequests::TimePoint> PendingRequests::next_deadline() const {
  const std::lock_guard lock(mutex_);
  if (by_deadline_.empty()) return std::nullopt;
  return by_deadline_.begin()->first;
}

bool PendingRequests::empty() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty();
}

}  // namespace skylark::remoting::detail
