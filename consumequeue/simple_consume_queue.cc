// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/simple_consume_queue.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
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

void SimpleConsumeQueue::extend(std::unique_ptr<ConsumeQueueExt> extensions, bool write) {
  extensions_ = std::move(extensions);
  writes_extensions_ = write;
}

Result<void> SimpleConsumeQueue::append(const QueueEntry& entry, std::int64_t queue_offset, std::string_view bit_map) {
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
  const bool holds_nothing = min_ * kUnitSize >= end_;  // Its earlier messages are not lost: they had expired.
  const std::int64_t end_before = end_;
  auto written = wanted > end_ ? fill_to(queue_offset) : Result<void>();
  if (written) {
    const auto extended = with_extension(entry, bit_map);
    written = extended ? write_unit(*extended) : extended.error();
  }
  if (!written) {
    if (end_before >= files_.begin() && end_before <= end_) end_ = end_before;  // No blanks without the message behind them.
    return written;
  }
  if (holds_nothing) min_ = queue_offset;
  max_physical_ = entry.physical_offset + entry.size;
  return {};
}

Result<void> SimpleConsumeQueue::continue_at(std::int64_t queue_offset) {
  const std::scoped_lock lock(mutex_);
  return queue_offset * kUnitSize > end_ ? fill_to(queue_offset) : Result<void>();
}

/// Puts blanks in the place of messages that this store does not have, up to that offset.
Result<void> SimpleConsumeQueue::fill_to(std::int64_t queue_offset) {
  const std::int64_t wanted = queue_offset * kUnitSize;
  const bool held_nothing = min_ * kUnitSize >= end_;
  if (files_.empty() || wanted - end_ > files_.file_size()) {
    const auto begun = begin_at(queue_offset);
    if (!begun) return begun;
  }
  const bool holds_nothing = held_nothing || min_ * kUnitSize >= end_;
  if (wanted > end_ && !holds_nothing) log::error("{}: messages {} to {} are missing", files_.folder(), end_ / kUnitSize, queue_offset - 1);
  while (end_ < wanted) {
    // Behind messages a blank carries their end, so that physical offsets never run backwards; before the first one it is Java's.
    const auto filled = write_unit({holds_nothing ? 0 : std::max<std::int64_t>(max_physical_, 0), QueueEntry::kBlankSize, 0});
    if (!filled) return filled;
  }
  if (holds_nothing) min_ = queue_offset;
  return {};
}

/// Starts over with the file that holds `queue_offset`, for a queue whose earlier messages this store does not have.
Result<void> SimpleConsumeQueue::begin_at(std::int64_t queue_offset) {
  ++cuts_;
  last_ = {};
  if (extensions_) extensions_->close();
  const auto removed = files_.remove_from(0);
  if (!removed) return removed;
  const std::int64_t wanted = queue_offset * kUnitSize;
  end_ = wanted - wanted % files_.file_size();
  min_ = queue_offset;
  max_physical_ = -1;
  return {};
}

/// The unit with the address of its extension as tags code, or as it is without one.
Result<QueueEntry> SimpleConsumeQueue::with_extension(const QueueEntry& entry, std::string_view bit_map) {
  if (!writes_extensions_) return entry;
  if (!extensions_->is_open()) {
    const auto opened = extensions_->open_behind(last_address());
    if (!opened) return opened.error();
  }
  const auto address = extensions_->append(entry.tags_code, entry.store_timestamp, bit_map);
  if (!address && address.error() == Errc::too_large) return entry;
  if (!address) return address.error();
  QueueEntry extended = entry;
  extended.tags_code = *address;
  return extended;
}

/// Of the last unit that has an extension.
std::optional<std::int64_t> SimpleConsumeQueue::last_address() const {
  for (std::int64_t number = units() - 1; number >= std::max<std::int64_t>(files_.begin(), 0) / kUnitSize; --number) {
    const auto entry = unit(number);
    if (!entry) return std::nullopt;
    if (!entry->blank() && ConsumeQueueExt::is_address(entry->tags_code)) return entry->tags_code;
  }
  return std::nullopt;
}

std::optional<QueueExtension> SimpleConsumeQueue::extension(std::int64_t tags_code) const {
  if (!ConsumeQueueExt::is_address(tags_code)) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  used_ = true;
  return extensions_ ? extensions_->read(tags_code) : std::nullopt;
}

void SimpleConsumeQueue::before_cut(std::int64_t /*units*/) {
  if (extensions_) extensions_->close();
}

/// The log does not say where the extension of a message is. The address in the unit is right when it leads there, else that behind the
/// extension of the unit before. Without either the tags code stays in the unit, as where an extension would be too long.
void SimpleConsumeQueue::before_mend(std::int64_t number, QueueEntry& entry) {
  if (!extensions_) return;
  const auto now = unit(number);
  if (now && extensions_->is_of(now->tags_code, entry.tags_code, entry.store_timestamp)) {
    entry.tags_code = now->tags_code;
    return;
  }
  std::optional<std::int64_t> address_before;
  if (number * kUnitSize > files_.begin()) {
    const auto before = unit(number - 1);
    if (!before || !ConsumeQueueExt::is_address(before->tags_code)) return;
    address_before = before->tags_code;
  }
  entry.tags_code = extensions_->address_behind(address_before, entry.tags_code, entry.store_timestamp).value_or(entry.tags_code);
}

void SimpleConsumeQueue::take_dirty_extensions(std::vector<std::shared_ptr<MappedFile>>& files) {
  if (extensions_) extensions_->take_dirty(files);
}

void SimpleConsumeQueue::expire_extensions() {
  if (!extensions_ || min_ >= units()) return;
  const auto first = unit(min_);
  if (first && !first->blank()) extensions_->expire(first->tags_code);
}

Result<void> SimpleConsumeQueue::destroy_extensions() { return extensions_ ? extensions_->destroy() : Result<void>(); }

void SimpleConsumeQueue::unmap_extensions() {
  if (extensions_) extensions_->unmap();
}

}  // namespace skylark::consumequeue
