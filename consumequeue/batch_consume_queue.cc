// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/batch_consume_queue.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/partition_point.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int32_t kNotCompacted = -1;  // BatchConsumeQueue.INVALID_POS.

}  // namespace

void BatchConsumeQueue::decode(const char* bytes, std::int64_t /*unit*/, std::span<QueueEntry> into) const {
  for (QueueEntry& entry : into) {
    entry.physical_offset = load_be<std::int64_t>(bytes);
    entry.size = load_be<std::int32_t>(bytes + 8);
    entry.tags_code = load_be<std::int64_t>(bytes + 12);
    entry.store_timestamp = load_be<std::int64_t>(bytes + 20);
    entry.queue_offset = load_be<std::int64_t>(bytes + 28);
    entry.message_count = load_be<std::int16_t>(bytes + 36);
    bytes += kBatchUnitSize;
  }
}

void BatchConsumeQueue::encode(const QueueEntry& entry, char* bytes) const {
  store_be(bytes, entry.physical_offset);
  store_be(bytes + 8, entry.size);
  store_be(bytes + 12, entry.tags_code);
  store_be(bytes + 20, entry.store_timestamp);
  store_be(bytes + 28, entry.queue_offset);
  store_be(bytes + 36, static_cast<std::int16_t>(entry.message_count));
  store_be(bytes + 38, kNotCompacted);
  store_be(bytes + 42, std::int32_t{0});  // Reserved.
}

Result<void> BatchConsumeQueue::append(const QueueEntry& entry, std::int64_t queue_offset, std::string_view /*bit_map*/) {
  if (queue_offset < 0 || entry.message_count < 1 || entry.message_count > kBatchMessagesMax) return Errc::invalid_argument;
  const std::scoped_lock lock(mutex_);
  used_ = true;
  if (entry.physical_offset < max_physical_) return {};
  if (queue_offset < next_) {
    log::warn("{}: offset {} of {} belongs to a newer record, at {}", files_.folder(), queue_offset, next_, entry.physical_offset);
    const std::int64_t taken = unit_of(queue_offset);
    if (taken >= 0) {
      const auto gave_way = cut(taken * kBatchUnitSize);
      if (!gave_way) return gave_way;
      min_ = std::min(min_, taken);
    }
  } else if (queue_offset > next_ && min_ < units()) {
    log::error("{}: messages {} to {} are missing", files_.folder(), next_, queue_offset - 1);
  }
  QueueEntry placed = entry;
  placed.queue_offset = queue_offset;
  const auto written = write_unit(placed);
  if (!written) return written;
  max_physical_ = entry.physical_offset + entry.size;
  next_ = placed.next_queue_offset();
  return {};
}

/// Queue offset behind the messages of the nearest unit from that one on that can be of this queue, forwards or backwards.
std::int64_t BatchConsumeQueue::next_near(std::int64_t number, std::int64_t step) const {
  for (; number >= first_unit() && number < units(); number += step) {
    const auto entry = unit(number);
    if (entry && can_be(*entry)) return entry->next_queue_offset();
  }
  return step < 0 ? std::numeric_limits<std::int64_t>::min() : next_;
}

/// Queue offset behind the messages of that unit. Where it contradicts the units beside it, these decide: what was changed on disk must not
/// send the search past all others.
std::int64_t BatchConsumeQueue::next_behind(std::int64_t number) const {
  const auto entry = unit(number);
  const std::int64_t low = next_near(number - 1, -1), high = next_near(number + 1, 1);
  const std::int64_t next = entry && can_be(*entry) ? entry->next_queue_offset() : low;
  return std::max(std::min(low, high), std::min(std::max(low, high), next));  // The middle one of the three.
}

/// Most readers are near the end, so the search goes back from there in growing steps, then halves the last one.
std::int64_t BatchConsumeQueue::unit_of(std::int64_t queue_offset) const {
  const std::int64_t first = first_unit();
  const std::int64_t end = units();
  const auto before = [&](std::int64_t number) { return next_behind(number) <= queue_offset; };
  std::int64_t high = end;  // The first unit that is not before the offset is at or below this one.
  std::int64_t low = first;
  for (std::int64_t step = 1; high > first; step *= 2) {
    const std::int64_t probe = std::max(high - step, first);
    if (before(probe)) {
      low = probe + 1;
      break;
    }
    high = probe;
  }
  std::int64_t found = partition_point(low, high, before);
  if (found > first) {  // Beside a damaged unit the one before may be it still, as it says itself.
    const auto entry = unit(found - 1);
    if (entry && entry->queue_offset <= queue_offset && entry->next_queue_offset() > queue_offset) --found;
  }
  return first < end ? std::min(found, end - 1) : -1;  // Where no unit says that it is the one, the last one was changed.
}

std::int64_t BatchConsumeQueue::first_offset() const {
  if (min_ >= units()) return next_;
  if (first_known_ != min_) {
    const auto entry = unit(min_);
    if (!entry) return next_;
    std::int64_t number = min_ + 1;
    auto other = unit(number);
    while (other && !can_be(*other)) other = unit(++number);
    const std::int64_t behind = other ? other->queue_offset : next_;
    // One of the two may be changed. A unit has so many messages at most, and an offset that is too low hides nothing.
    const bool in_order = can_be(*entry) && entry->queue_offset < behind;
    const std::int64_t between = (other ? number : units()) - min_;
    first_ = in_order ? entry->queue_offset : std::max<std::int64_t>(behind - between * kBatchMessagesMax, 0);
    first_known_ = min_;
  }
  return first_;
}

/// With all units gone the next message still gets the offset of the first one that went.
void BatchConsumeQueue::before_cut(std::int64_t units_left) {
  first_known_ = -1;
  const auto first_gone = unit(units_left);
  const auto last_kept = units_left > first_unit() ? unit(units_left - 1) : std::nullopt;
  if (first_gone && valid_unit(*first_gone))
    next_ = first_gone->queue_offset;
  else
    next_ = last_kept && valid_unit(*last_kept) ? last_kept->next_queue_offset() : 0;
}

void BatchConsumeQueue::before_mend(std::int64_t /*number*/, QueueEntry& /*entry*/) { first_known_ = -1; }

void BatchConsumeQueue::after_assume(std::int64_t max_offset) {
  first_known_ = -1;
  next_ = max_offset;
}

Result<void> BatchConsumeQueue::continue_at(std::int64_t queue_offset) {
  const std::scoped_lock lock(mutex_);
  next_ = std::max(next_, queue_offset);
  return {};
}

std::optional<std::int64_t> BatchConsumeQueue::offset_by_time(std::int64_t timestamp_ms, bool upper) const {
  const std::scoped_lock lock(mutex_);
  used_ = true;
  const std::int64_t end = units();
  if (min_ >= end) return next_;
  bool unread = false;
  const std::int64_t too_late = partition_point(min_, end, [&](std::int64_t number) {  // Of that time or later, or for `upper` later.
    const auto entry = unit(number);
    unread = unread || !entry;
    return entry && (entry->store_timestamp < timestamp_ms || (upper && entry->store_timestamp == timestamp_ms));
  });
  if (unread) return next_;
  const auto found = unit(std::clamp(upper ? too_late - 1 : too_late, min_, end - 1));
  return found ? found->queue_offset : next_;
}

}  // namespace skylark::consumequeue
