// SPDX-License-Identifier: Apache-2.0
#include "client/detail/process_queue.h"

#include <algorithm>

namespace skylark::client {

void ProcessQueue::put(std::vector<ReceivedMessage> messages, std::int64_t next_position) {
  for (ReceivedMessage& message : messages) {
    const std::int64_t offset = message.queue_offset;
    if (taken_.contains(offset)) continue;
    const std::size_t size = message.body.size();
    if (waiting_.try_emplace(offset, std::move(message)).second) size_bytes_ += size;
  }
  position_ = next_position;
}

std::vector<ReceivedMessage> ProcessQueue::take(std::size_t count_max) {
  std::vector<ReceivedMessage> batch;
  while (batch.size() < count_max && !waiting_.empty()) {
    auto node = waiting_.extract(waiting_.begin());
    taken_.emplace(node.key(), node.mapped().body.size());
    batch.push_back(std::move(node.mapped()));
  }
  return batch;
}

void ProcessQueue::finish(const std::vector<std::int64_t>& offsets) {
  for (const std::int64_t offset : offsets) {
    const auto found = taken_.find(offset);
    if (found == taken_.end()) continue;
    size_bytes_ -= found->second;
    taken_.erase(found);
  }
}

void ProcessQueue::give_back(std::vector<ReceivedMessage> messages) {
  for (ReceivedMessage& message : messages) {
    const std::int64_t offset = message.queue_offset;
    if (taken_.erase(offset) != 0) waiting_.emplace(offset, std::move(message));
  }
}

std::int64_t ProcessQueue::commit_offset() const noexcept {
  std::int64_t oldest = position_;
  if (!waiting_.empty()) oldest = std::min(oldest, waiting_.begin()->first);
  if (!taken_.empty()) oldest = std::min(oldest, taken_.begin()->first);
  return oldest;
}

std::int64_t ProcessQueue::span() const noexcept {
  if (count() == 0) return 0;
  std::int64_t newest = 0;
  if (!waiting_.empty()) newest = waiting_.rbegin()->first;
  if (!taken_.empty()) newest = std::max(newest, taken_.rbegin()->first);
  return newest - commit_offset();
}

}  // namespace skylark::client
