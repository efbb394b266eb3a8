// SPDX-License-Identifier: Apache-2.0
#include "broker/transaction/finished_halves.h"

#include <algorithm>
#include <utility>

namespace skylark::broker {

bool FinishedHalves::claim(std::int64_t half_offset) {
  const std::lock_guard lock(mutex_);
  return offsets_.insert(half_offset).second;
}

void FinishedHalves::release(std::int64_t half_offset) {
  const std::lock_guard lock(mutex_);
  offsets_.erase(half_offset);
}

bool FinishedHalves::add(std::int64_t half_offset, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  if (body_.empty()) body_since_ms_ = now_ms;
  body_ += std::to_string(half_offset);
  body_ += ',';
  return body_.size() >= body_size_max_;
}

bool FinishedHalves::contains(std::int64_t half_offset) const {
  const std::lock_guard lock(mutex_);
  return offsets_.contains(half_offset);
}

std::optional<std::int64_t> FinishedHalves::due_in_ms(std::int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  if (body_.empty()) return std::nullopt;
  if (body_.size() >= body_size_max_) return 0;
  return std::max<std::int64_t>(0, body_since_ms_ + interval_ms_ - now_ms);
}

std::string FinishedHalves::take(std::int64_t now_ms, bool force) {
  const std::lock_guard lock(mutex_);
  const bool due = body_.size() >= body_size_max_ || now_ms - body_since_ms_ >= interval_ms_;
  if (body_.empty() || !(due || force)) return {};
  return std::exchange(body_, {});
}

void FinishedHalves::give_back(std::string body, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  body_.insert(0, body);
  body_since_ms_ = now_ms;
}

void FinishedHalves::forget_below(std::int64_t half_offset) {
  const std::lock_guard lock(mutex_);
  std::erase_if(offsets_, [half_offset](std::int64_t offset) { return offset < half_offset; });
}

}  // namespace skylark::broker
