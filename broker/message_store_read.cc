// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/partition_point.h"
#include "broker/message_store_impl.h"

namespace skylark::broker {
namespace {

constexpr std::int64_t kExaminedBytesMin = 16'000;  // maxFilterMessageSize: units of so many bytes are looked at however few are wanted.
constexpr std::size_t kUnitsPerRead = 32;           // What a pull asks for by default.
constexpr std::int64_t kRecordSizeMin = 91;         // V1 with IPv4 hosts and nothing else.
constexpr std::size_t kKeyCandidatesMore = 64;

bool has_word(std::string_view words, std::string_view wanted) {
  while (!words.empty()) {
    const std::size_t space = std::min(words.find(' '), words.size());
    if (words.substr(0, space) == wanted) return true;
    words.remove_prefix(std::min(space + 1, words.size()));
  }
  return false;
}

/// Neighbours in one mapping go out as one slice, and those behind each other in one mapping with one pin: the other io threads hold it
/// too, and counting it is dear. `last_pin`: of the last slice.
void add_slice(std::vector<PinnedSlice>& slices, std::string_view record, const std::shared_ptr<const void>& pin, const void*& last_pin) {
  if (!slices.empty() && last_pin == pin.get()) {
    std::string_view& last = slices.back().bytes;
    if (last.data() + last.size() == record.data()) {
      last = {last.data(), last.size() + record.size()};
      return;
    }
    if (slices.size() == 1) slices.reserve(kUnitsPerRead);
    slices.push_back({record, nullptr});
    return;
  }
  last_pin = pin.get();
  slices.push_back({record, pin});
}

}  // namespace

GetResult MessageStoreImpl::get(const GetRequest& request) {
  GetResult result;
  const auto queue = queues_.find(request.topic, request.queue_id);
  const auto bounds = queue ? queue->bounds() : consumequeue::ConsumeQueue::Bounds();
  result.min_offset = bounds.min;
  result.max_offset = bounds.max;
  const std::int64_t offset = request.queue_offset;
  const auto refuse = [&](GetStatus status, std::int64_t next) {
    result.status = status;
    result.next_begin_offset = options_.replica ? offset : next;  // Replicas correct nobody: they may just be late.
    return std::move(result);
  };
  if (result.max_offset == 0) return refuse(GetStatus::no_message_in_queue, 0);
  if (offset < result.min_offset) return refuse(GetStatus::offset_too_small, result.min_offset);
  if (offset == result.max_offset) return refuse(GetStatus::offset_overflow_one, offset);
  if (offset > result.max_offset) return refuse(GetStatus::offset_overflow_badly, result.max_offset);
  result.next_begin_offset = offset;
  result.status = GetStatus::no_matched_message;
  walk(*queue, request, result);
  return result;
}

void MessageStoreImpl::walk(const consumequeue::ConsumeQueue& queue, const GetRequest& request, GetResult& result) const {
  // Java multiplies queue offsets by the size of a unit, also where a unit stands for many of them.
  const std::int64_t examined_min = (kExaminedBytesMin + queue.unit_size() - 1) / queue.unit_size();
  const std::int64_t examined_max = std::max<std::int64_t>(examined_min, request.message_count_max);
  // Of the thread, which is in one walk at a time: to make them anew costs half as much as to read them.
  thread_local std::array<consumequeue::QueueEntry, kUnitsPerRead> entries;
  const bool simple = queue.kind() == consumequeue::ConsumeQueue::Kind::simple;
  Walk walk;
  while (!walk.ended && result.next_begin_offset - request.queue_offset < examined_max) {
    const auto count = request.may_wait ? queue.read(result.next_begin_offset, entries)
                                        : queue.read_resident(result.next_begin_offset, entries, log_.residency());
    if (!count) {
      result.needs_disk = result.message_count == 0;
      break;
    }
    if (*count == 0) {
      if (result.next_begin_offset > request.queue_offset) break;
      result.status = GetStatus::offset_found_null;
      if (queue.kind() == consumequeue::ConsumeQueue::Kind::batch) break;  // Offsets do not say where the next file begins.
      // A file of the queue is missing: as in Java the reader goes on behind it.
      const std::int64_t units_per_file = queue.file_size() / queue.unit_size();
      result.next_begin_offset = std::min((request.queue_offset / units_per_file + 1) * units_per_file, result.max_offset);
      break;
    }
    const std::int64_t begin = result.next_begin_offset;
    std::span<const consumequeue::QueueEntry> units(entries.data(), *count);
    while (!units.empty() && !walk.ended && result.next_begin_offset - request.queue_offset < examined_max) {
      const std::int64_t more = examined_max - (result.next_begin_offset - request.queue_offset);
      const auto several = units.first(std::min(units.size(), static_cast<std::size_t>(more)));
      if (const std::size_t taken = simple ? take_recent(several, request, walk, result) : 0; taken > 0) {
        units = units.subspan(taken);
        continue;
      }
      if ((simple && consumequeue::valid_unit(units.front())) || in_turn(queue, units.front(), request, result))
        take(queue, units.front(), request, walk, result);
      units = units.subspan(1);
    }
    if (!walk.ended && result.next_begin_offset == begin) ++result.next_begin_offset;  // Units alone that say nothing.
  }
  result.suggest_slave = walk.last_physical_offset >= 0 && far_behind(walk.last_physical_offset);
}

/// What the unit says, or its extension when it has one. An extension that is not there any more refuses nothing.
bool MessageStoreImpl::wanted(const consumequeue::ConsumeQueue& queue, const consumequeue::QueueEntry& entry, const MessageFilter& filter) {
  if (!consumequeue::ConsumeQueueExt::is_address(entry.tags_code)) return filter.wants_unit({.tags_code = entry.tags_code});
  const auto extension = queue.extension(entry.tags_code);
  if (!extension) return filter.wants_unit({});
  return filter.wants_unit(
      {.tags_code = extension->tags_code, .store_timestamp = extension->store_timestamp, .bit_map = extension->bit_map});
}

/// Whether a unit can be the next one. Those of a batch queue say their offsets themselves: a changed one must lead nobody back or astray.
bool MessageStoreImpl::in_turn(const consumequeue::ConsumeQueue& queue, const consumequeue::QueueEntry& entry, const GetRequest& request,
                               const GetResult& result) const {
  const std::int64_t next = entry.next_queue_offset();
  bool sound = consumequeue::valid_unit(entry);
  if (sound && queue.kind() == consumequeue::ConsumeQueue::Kind::batch)
    sound = next > result.next_begin_offset && (next <= result.max_offset || next <= queue.max_offset());
  if (!sound) report_unit(request, result.next_begin_offset, entry.physical_offset);
  // The search goes over units that were changed, and comes here. Or no message ever had that offset: the mender finds out.
  if (sound && entry.queue_offset > result.next_begin_offset)
    (void)mender_->report(request.topic, request.queue_id, result.next_begin_offset);
  return sound;
}

/// Tells in the log, once, that the unit at which a reader stands leads to no record of it, and has it mended.
void MessageStoreImpl::report_unit(const GetRequest& request, std::int64_t queue_offset, std::int64_t physical_offset) const {
  if (mender_->report(request.topic, request.queue_id, queue_offset) != consumequeue::QueueMender::Answer::noted) return;
  log::error("the unit of offset {} in consume queue {} of {} leads to {}, where its record is not: readers go past it", queue_offset,
             request.queue_id, request.topic, physical_offset);
}

/// Examines one unit: its record goes out, or it is passed over, or the walk ends before it.
void MessageStoreImpl::take(const consumequeue::ConsumeQueue& queue, const consumequeue::QueueEntry& entry, const GetRequest& request,
                            Walk& walk, GetResult& result) const {
  using Outcome = RecordReader::Outcome;
  if (!entry.blank() && result.message_count > 0 && batch_full(request, result, entry)) {
    walk.ended = true;
    return;
  }
  const std::int64_t examined_until = std::exchange(result.next_begin_offset, entry.next_queue_offset());
  if (entry.blank() || entry.physical_offset < walk.skip_below) return;
  walk.last_physical_offset = entry.physical_offset;
  if (request.filter != nullptr && !wanted(queue, entry, *request.filter)) return;
  const bool batch = queue.kind() == consumequeue::ConsumeQueue::Kind::batch;
  const auto place = [&] {
    return consumequeue::QueuePlace{request.topic, request.queue_id, entry.queue_offset, batch ? entry.message_count : 0};
  };
  // Units stand in the order in which they were written: behind one that is right, and of this run, come those of this process alone. Their
  // records need no look, and are found in one view of the log as long as that reaches.
  if (!walk.recent.empty() && !walk.recent.holds(entry.physical_offset, entry.size)) walk.recent = reader_.recent(entry.physical_offset);
  if (walk.recent.holds(entry.physical_offset, entry.size)) {
    give(entry, walk.recent.record(entry.physical_offset, entry.size), walk.recent.slice.pin, request, walk, result);
    return;
  }
  const auto record = reader_.listed(entry.physical_offset, entry.size, request.may_wait, place(), walk.recent);
  if (record.outcome == Outcome::on_disk || record.outcome == Outcome::failed) {
    walk.ended = true;
    result.next_begin_offset = examined_until;
    if (result.message_count > 0) return;  // What was found goes out; the next request begins here.
    result.needs_disk = record.outcome == Outcome::on_disk;
    if (record.outcome == Outcome::failed) result.status = GetStatus::read_failed;
    return;
  }
  if (record.outcome != Outcome::found) {
    if (result.message_count == 0) result.status = GetStatus::message_was_removing;
    if (record.outcome == Outcome::gone) walk.skip_below = log_.begin();
    // Where nothing whole lies the unit may be right and its record damaged, which is told already; and a unit that leads before the log is
    // in most cases about to go with its record. What is true the mender finds out.
    if (record.outcome == Outcome::damaged || entry.physical_offset < walk.skip_below)
      (void)mender_->report(request.topic, request.queue_id, examined_until);
    else
      report_unit(request, examined_until, entry.physical_offset);
    // What such a unit of a batch queue says of its messages is not true either: the next one says where it begins.
    if (record.outcome == Outcome::foreign && batch) result.next_begin_offset = examined_until;
    return;
  }
  give(entry, record.slice.bytes, record.slice.pin, request, walk, result);
}

/// The record goes out, when what filters by properties does not object.
void MessageStoreImpl::give(const consumequeue::QueueEntry& entry, std::string_view record, const std::shared_ptr<const void>& pin,
                            const GetRequest& request, Walk& walk, GetResult& result) {
  if (request.filter != nullptr && request.filter->reads_properties()) {
    const auto decoded = decode_record(record);
    if (!decoded || !request.filter->wants_properties(decoded->properties)) return;
  }
  add_slice(result.slices, record, pin, walk.pin);
  result.status = GetStatus::found;
  result.size_bytes += entry.size;
  result.message_count += entry.message_count;
  walk.ended = result.message_count >= request.message_count_max;
}

/// Does for units of a simple queue what `take` would, as long as there is nothing to decide: all are wanted, their records are in
/// `walk.recent` and there is room for them. Number of units taken.
std::size_t MessageStoreImpl::take_recent(std::span<const consumequeue::QueueEntry> units, const GetRequest& request, Walk& walk,
                                          GetResult& result) const {
  if (request.filter != nullptr || walk.recent.empty() || far_behind(walk.recent.begin)) return 0;
  const std::int32_t room = std::min(options_.transfer_count_max, request.message_count_max) - result.message_count;
  const std::int64_t size_max = options_.transfer_bytes_max - result.size_bytes;
  units = units.first(std::min(units.size(), static_cast<std::size_t>(std::max(room, 0))));
  std::size_t taken = 0;
  std::int64_t size = 0;
  std::string_view joined;  // Neighbours.
  for (const consumequeue::QueueEntry& unit : units) {
    if (unit.size <= 0 || unit.blank() || size + unit.size > size_max || !walk.recent.holds(unit.physical_offset, unit.size)) break;
    const std::string_view record = walk.recent.record(unit.physical_offset, unit.size);
    if (joined.data() + joined.size() == record.data()) {
      joined = {joined.data(), joined.size() + record.size()};
    } else {
      if (!joined.empty()) add_slice(result.slices, joined, walk.recent.slice.pin, walk.pin);
      joined = record;
    }
    size += unit.size;
    ++taken;
  }
  if (taken == 0) return 0;
  add_slice(result.slices, joined, walk.recent.slice.pin, walk.pin);
  result.size_bytes += size;
  result.message_count += static_cast<std::int32_t>(taken);
  result.next_begin_offset = units[taken - 1].next_queue_offset();
  walk.last_physical_offset = units[taken - 1].physical_offset;
  walk.ended = result.message_count >= request.message_count_max;
  return taken;
}

bool MessageStoreImpl::batch_full(const GetRequest& request, const GetResult& result, const consumequeue::QueueEntry& entry) const {
  if (entry.message_count > request.message_count_max - result.message_count) return true;
  const bool cold = far_behind(entry.physical_offset);
  const std::int64_t bytes_max = cold ? options_.transfer_bytes_cold_max : options_.transfer_bytes_max;
  const std::int32_t count_max = cold ? options_.transfer_count_cold_max : options_.transfer_count_max;
  return result.size_bytes + entry.size > bytes_max || result.message_count >= count_max;
}

std::optional<PinnedSlice> MessageStoreImpl::record_at(std::int64_t physical_offset, std::int32_t size) {
  if (physical_offset < 0) return std::nullopt;
  const auto head = reader_.head(physical_offset, kRecordSizeMin);
  if (!head) return std::nullopt;
  const char* const bytes = head->bytes.data();
  const auto magic = load_be<std::int32_t>(bytes + record_at::kMagic);
  const auto stored_size = load_be<std::int32_t>(bytes + record_at::kTotalSize);
  // The offset may come from a client: what lies there is a record only if it says so in every respect.
  if (magic != kMessageMagicV1 && magic != kMessageMagicV2) return std::nullopt;
  if (load_be<std::int64_t>(bytes + record_at::kPhysicalOffset) != physical_offset) return std::nullopt;
  if (stored_size < kRecordSizeMin || (size != 0 && size != stored_size)) return std::nullopt;
  auto record = reader_.record(physical_offset, stored_size);
  if (record.outcome != RecordReader::Outcome::found) return std::nullopt;
  return std::move(record.slice);
}

std::optional<MessageStore::QueueEntry> MessageStoreImpl::queue_entry(std::string_view topic, std::int32_t queue_id,
                                                                      std::int64_t queue_offset) {
  const auto queue = queues_.find(topic, queue_id);
  if (!queue || queue_offset < queue->min_offset()) return std::nullopt;
  const auto entry = queue->at(queue_offset);
  if (!entry) return std::nullopt;
  if (entry->blank()) return QueueEntry{.next_queue_offset = entry->next_queue_offset(), .blank = true};
  const auto extension = queue->extension(entry->tags_code);
  return QueueEntry{entry->physical_offset, entry->size, extension ? extension->tags_code : entry->tags_code, entry->next_queue_offset()};
}

bool MessageStoreImpl::may_be_mended(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  return mender_->report(topic, queue_id, queue_offset) != consumequeue::QueueMender::Answer::given_up;
}

std::int64_t MessageStoreImpl::min_offset(std::string_view topic, std::int32_t queue_id) {
  const auto queue = queues_.find(topic, queue_id);
  return queue ? queue->min_offset() : 0;
}

std::int64_t MessageStoreImpl::max_offset(std::string_view topic, std::int32_t queue_id) {
  const auto queue = queues_.find(topic, queue_id);
  return queue ? queue->max_offset() : 0;
}

std::int64_t MessageStoreImpl::record_store_time(std::int64_t physical_offset) const {
  const auto head = reader_.head(physical_offset, kRecordSizeMin);
  if (!head) return -1;
  const auto sys_flag = load_be<std::int32_t>(head->bytes.data() + record_at::kSysFlag);
  return load_be<std::int64_t>(head->bytes.data() + record_at::store_timestamp(sys_flag));
}

std::int64_t MessageStoreImpl::entry_store_time(const consumequeue::ConsumeQueue& queue, std::int64_t queue_offset) const {
  const auto entry = queue.at(queue_offset);
  return !entry || entry->blank() ? -1 : record_store_time(entry->physical_offset);
}

std::int64_t MessageStoreImpl::store_time(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  const auto queue = queues_.find(topic, queue_id);
  return queue ? entry_store_time(*queue, queue_offset) : -1;
}

bool MessageStoreImpl::is_cold(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  const auto entry = queue_entry(topic, queue_id, queue_offset);
  return entry && !entry->blank && far_behind(entry->physical_offset);
}

std::int64_t MessageStoreImpl::offset_by_time(std::string_view topic, std::int32_t queue_id, std::int64_t timestamp_ms, bool upper) {
  const auto queue = queues_.find(topic, queue_id);
  if (!queue) return 0;
  if (const auto found = queue->offset_by_time(timestamp_ms, upper)) return *found;
  const std::int64_t min = queue->min_offset();
  // Store times never fall along the log. Too late is at or after the time, or for `upper` after it.
  const std::int64_t too_late = partition_point(min, queue->max_offset(), [&](std::int64_t offset) {
    const std::int64_t time = entry_store_time(*queue, offset);
    return time < timestamp_ms || (upper && time == timestamp_ms);
  });
  return upper ? std::max(too_late - 1, min) : too_late;
}

MessageStore::KeyQueryResult MessageStoreImpl::query_by_key(std::string_view topic, std::string_view key, std::int32_t count_max,
                                                            std::int64_t begin_ms, std::int64_t end_ms) {
  KeyQueryResult result;
  if (!index_ || count_max <= 0) return result;
  result.index_last_update_timestamp = index_->end_timestamp();
  result.index_last_update_physical_offset = std::max<std::int64_t>(index_->end_offset(), 0);
  const auto wanted = static_cast<std::size_t>(count_max);
  auto offsets = index_->query(topic, key, wanted + kKeyCandidatesMore, begin_ms, end_ms);
  std::sort(offsets.begin(), offsets.end(), std::greater<>());
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());  // A message may list a key twice.
  for (const std::int64_t offset : offsets) {
    if (result.records.size() >= wanted) break;
    auto slice = record_at(offset, 0);
    if (!slice) continue;
    const auto record = decode_record(slice->bytes);
    if (!record || record->topic != topic || record->store_timestamp < begin_ms || record->store_timestamp > end_ms) continue;
    if (record->property(property::kUniqueKey) != key && !has_word(record->property(property::kKeys).value_or(""), key)) continue;
    result.records.push_back(std::move(*slice));
  }
  std::reverse(result.records.begin(), result.records.end());
  return result;
}

std::vector<QueueId> MessageStoreImpl::queues() {
  std::vector<QueueId> ids;
  for (auto& named : queues_.all()) ids.push_back({std::move(named.topic), named.queue_id});
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace skylark::broker
