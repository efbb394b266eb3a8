// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/simple_consume_queue.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"

namespace skylark::consumequeue {

void SimpleConsumeQueue::decode(const char* bytes, std::int64_t unit, std::span<QueueEntry> into) const {
  for (QueueEntry& entry : into) {
    entry = {load_be<std::int64_t>(bytes), load_be<std::int32_t>(bytes + 8), load_be<std::int64_t>(bytes + 12), unit++};
    bytes += kUnitSize;
  }
}

void SimpleConsumeQueue::encode(const QueueEntry& entry, char* bytes) const {
  store_be(bytes, entry.physical_offset);
  store_be(bytes + 8, entry.size);
  store_be(bytes + 12, entry.tags_code);
}

Result<void> SimpleConsumeQueue::append(const QueueEntry& entry, std::int64_t queue_offset) {
  const std::scoped_lock lock(mutex_);
  used_ = true;
  if (entry.physical_offset < max_physical_) return {};
  const std::int64_t wanted = queue_offset * kUnitSize;
  if (wanted < end_) {
    log::warn("{}: offset {} of {} belongs to a newer record, at {}", files_.folder(), queue_offset, end_ / kUnitSize,
              entry.physical_offset);
    const auto gave_way = wanted < files_.begin() ? begin_at(queue_offset) : cut(wanted);
    if (!gave_way) return gave_way;
    min_ = std::min(min_, queue_offset);
  }
  if (wanted > end_ && (files_.empty() || wanted - end_ > files_.file_size())) {
    const auto begun = begin_at(queue_offset);
    if (!begun) return begun;
  }
  const bool holds_nothing = min_ * kUnitSize >= end_;  // Its earlier messages are not lost: they had expired.
  if (wanted > end_ && !holds_nothing) log::error("{}: messages {} to {} are missing", files_.folder(), end_ / kUnitSize, queue_offset - 1);
  while (end_ < wanted) {
    // Behind messages a blank carries their end, so that physical offsets never run backwards; before the first one it is Java's.
    const auto filled = write_unit({holds_nothing ? 0 : std::max<std::int64_t>(max_physical_, 0), QueueEntry::kBlankSize, 0});
    if (!filled) return filled;
  }
  if (holds_nothing) min_ = queue_offset;
  const auto written = write_unit(entry);
  if (!written) return written;
  max_physical_ = entry.physical_offset + entry.size;
  return {};
}

/// Starts over with the file that holds `queue_offset`, for a queue whose earlier messages this store does not have.
Result<void> SimpleConsumeQueue::begin_at(std::int64_t queue_offset) {
  last_ = {};
  const auto removed = files_.remove_from(0);
  if (!removed) return removed;
  const std::int64_t wanted = queue_offset * kUnitSize;
  end_ = wanted - wanted % files_.file_size();
  min_ = queue_offset;
  max_physical_ = -1;
  return {};
}

}  // namespace skylark::consumequeue
