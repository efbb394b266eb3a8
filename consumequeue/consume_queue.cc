// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/consume_queue.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/partition_point.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kStepMin = 4096;     // First allocation of a file: 204 units.
constexpr std::int64_t kStepMax = 1 << 20;  // Steps double up to this.
constexpr std::int64_t kTailBytes = 4096;   // Behind the end, taken to be in memory while the queue is being written.

constexpr std::size_t kUnitSizeMax = 64;

}  // namespace

ConsumeQueue::ConsumeQueue(Kind kind, std::int64_t unit_size, FileSystem& system, std::string folder, std::int64_t file_size)
    : unit_size_(unit_size),
      kind_(kind),
      files_(system, std::move(folder), (file_size + unit_size - 1) / unit_size * unit_size),
      system_(system) {}

Result<void> ConsumeQueue::load() {
  const std::scoped_lock lock(mutex_);
  const auto loaded = files_.load();
  if (!loaded) return loaded;
  if (files_.file_size() % unit_size_ != 0) {
    log::error("files in {} have {} bytes, which is no whole number of units", files_.folder(), files_.file_size());
    return Errc::malformed;
  }
  end_ = files_.end();
  min_ = std::max<std::int64_t>(files_.begin(), 0) / unit_size_;
  return {};
}

Result<void> ConsumeQueue::recover(bool clear_tail) {
  const std::scoped_lock lock(mutex_);
  const auto bases = files_.bases();
  if (bases.empty()) return {};
  std::size_t first = bases.size() > 3 ? bases.size() - 3 : 0;
  for (; first > 0; --first) {  // Of the last ones a crash may have left no more than the names.
    const auto entry = unit(bases[first] / unit_size_);
    if (!entry) return Errc::io_error;
    if (valid_unit(*entry)) break;
  }
  std::int64_t at = bases[first];
  max_physical_ = -1;
  std::int64_t behind_last = -1;  // Record; blanks at the end wait for one that never came.
  while (at < files_.end()) {
    const auto file = files_.find(at);
    if (!file) return file.error();
    const std::string_view bytes = file->mapped->view(0, files_.file_size());
    for (; at < file->end(); at += unit_size_) {
      QueueEntry entry;
      decode(bytes.data() + (at - file->base), at / unit_size_, {&entry, 1});
      if (!valid_unit(entry)) break;
      if (entry.blank()) continue;
      max_physical_ = entry.physical_offset + entry.size;
      behind_last = at + unit_size_;
    }
    if (at < file->end()) break;
  }
  if (behind_last >= 0) at = behind_last;
  const bool tail = clear_tail || at + files_.file_size() <= files_.end();
  before_cut(at / unit_size_);
  end_ = at;
  if (tail) {
    const auto cut_off = cut(at);
    if (!cut_off) return cut_off;
  }
  min_ = files_.begin() / unit_size_;
  const bool read = find_min(0);
  files_.unmap();
  return read ? Result<void>() : Errc::io_error;
}

Result<void> ConsumeQueue::write_unit(const QueueEntry& entry) {
  if (!last_.mapped || end_ >= last_.end() || end_ < last_.base) {
    if (end_ < files_.end()) {
      const auto found = files_.find(end_);
      if (!found) return found.error();
      last_ = *found;
    } else {
      const bool remains = system_.exists(files_.path_of(end_));  // Of a queue whose removal failed, or a start that did not get far.
      auto made = files_.create(end_);
      if (!made) return made.error();
      const auto emptied = remains ? (*made)->clear_from(0) : Result<void>();
      if (!emptied) return emptied;
      (*made)->advise_random();
      last_ = File{end_, *made};
      const auto first = last_.mapped->allocate(0, std::min(kStepMin, files_.file_size()));
      if (!first) {
        last_ = {};
        const std::string path = (*made)->path();
        made->reset();
        (void)system_.remove(path);  // The next attempt makes it again.
        return first;
      }
      files_.add(end_, std::move(*made));
      new_names_ = true;
    }
    allocated_ = end_;
    last_hint_.store(last_.mapped.get(), std::memory_order_relaxed);
    end_hint_.store(last_.mapped->view(end_ - last_.base, 0).data(), std::memory_order_relaxed);
  }
  if (end_ + unit_size_ > allocated_) {
    const std::int64_t step = std::clamp(end_ - last_.base, kStepMin, kStepMax);
    const std::int64_t until = std::min(last_.end(), end_ + step);
    const auto more = last_.mapped->allocate(end_ - last_.base, until - end_);
    if (!more) return more;
    allocated_ = until;
  }
  std::array<char, kUnitSizeMax> bytes{};
  encode(entry, bytes.data());
  last_.mapped->write(end_ - last_.base, {bytes.data(), static_cast<std::size_t>(unit_size_)});
  dirty_from_ = dirty_from_ < 0 ? end_ : std::min(dirty_from_, end_);
  end_ += unit_size_;
  end_hint_.store(end_hint_.load(std::memory_order_relaxed) + unit_size_, std::memory_order_relaxed);
  return {};
}

ConsumeQueue::Bounds ConsumeQueue::bounds() const {
  const std::scoped_lock lock(mutex_);
  return {first_offset(), next_offset()};
}

std::int64_t ConsumeQueue::max_physical_offset() const {
  const std::scoped_lock lock(mutex_);
  return max_physical_;
}

std::size_t ConsumeQueue::read(std::int64_t queue_offset, std::span<QueueEntry> into) const {
  const std::scoped_lock lock(mutex_);
  used_ = true;
  if (queue_offset < 0 || queue_offset >= next_offset()) return 0;  // Clients choose it: no arithmetic before this.
  const std::int64_t first = unit_of(queue_offset);
  return first < 0 ? 0 : read_units(first, into);
}

std::optional<std::size_t> ConsumeQueue::read_resident(std::int64_t queue_offset, std::span<QueueEntry> into,
                                                       commitlog::Residency& residency) const {
  const std::scoped_lock lock(mutex_);
  used_ = true;
  if (queue_offset < 0 || queue_offset >= next_offset()) return 0;
  const std::int64_t first = unit_of(queue_offset);
  if (first < 0) return 0;
  if (!resident(first, into.size(), residency)) return std::nullopt;
  return read_units(first, into);
}

std::optional<QueueEntry> ConsumeQueue::at(std::int64_t queue_offset) const {
  QueueEntry entry;
  if (read(queue_offset, {&entry, 1}) == 0 || entry.queue_offset > queue_offset || entry.next_queue_offset() <= queue_offset)
    return std::nullopt;
  return entry;
}

std::optional<std::int64_t> ConsumeQueue::offset_by_time(std::int64_t /*timestamp_ms*/, bool /*upper*/) const { return std::nullopt; }

const ConsumeQueue::File* ConsumeQueue::file_of(std::int64_t at, File& found) const {
  if (last_.mapped && at >= last_.base && at < last_.end()) return &last_;
  auto file = files_.find(at);
  if (!file) return nullptr;
  found = std::move(*file);
  return &found;
}

bool ConsumeQueue::resident(std::int64_t unit, std::size_t count, commitlog::Residency& residency) const {
  const std::int64_t at = unit * unit_size_;
  // The units that were written last, by this process: nearly every read.
  if (last_.mapped && at >= last_.base && end_ - at <= kTailBytes) return true;
  File found;
  const File* const file = file_of(at, found);
  if (file == nullptr) return true;
  const std::int64_t end = std::min(file->end(), end_);
  const std::int64_t size = std::min(static_cast<std::int64_t>(count) * unit_size_, end - at);
  return residency.resident(*file->mapped, at - file->base, size, end - file->base);
}

std::optional<QueueEntry> ConsumeQueue::unit(std::int64_t number) const {
  QueueEntry entry;
  if (read_units(number, {&entry, 1}) == 0) return std::nullopt;
  return entry;
}

std::int64_t ConsumeQueue::unit_number(std::int64_t queue_offset) const {
  const std::scoped_lock lock(mutex_);
  return queue_offset < 0 || queue_offset >= next_offset() ? -1 : unit_of(queue_offset);
}

std::optional<QueueEntry> ConsumeQueue::unit_at(std::int64_t number) const {
  const std::scoped_lock lock(mutex_);
  return number < min_ ? std::nullopt : unit(number);
}

std::uint64_t ConsumeQueue::cut_count() const {
  const std::scoped_lock lock(mutex_);
  return cuts_;
}

Result<bool> ConsumeQueue::mend(std::int64_t number, QueueEntry entry, std::uint64_t cut_count) {
  const std::scoped_lock lock(mutex_);
  if (cut_count != cuts_ || number < min_ || number >= units()) return false;
  const auto file = files_.find(number * unit_size_);
  if (!file) return {boost::system::in_place_error, file.error()};
  before_mend(number, entry);
  std::array<char, kUnitSizeMax> bytes{};
  encode(entry, bytes.data());
  const std::string_view right(bytes.data(), static_cast<std::size_t>(unit_size_));
  const std::int64_t position = number * unit_size_ - file->base;
  if (file->mapped->view(position, unit_size_) == right) return false;
  const auto room = file->mapped->allocate(position, unit_size_);  // What lost its content may have lost its space.
  if (!room) return {boost::system::in_place_error, room.error()};
  file->mapped->write(position, right);
  if (std::ranges::find(mended_, file->mapped) == mended_.end()) mended_.push_back(file->mapped);
  return true;
}

std::size_t ConsumeQueue::read_units(std::int64_t unit, std::span<QueueEntry> into) const {
  std::size_t count = 0;
  std::int64_t at = unit * unit_size_;
  while (count < into.size() && at < end_) {
    File found;
    const File* const file = file_of(at, found);
    if (file == nullptr) return count;
    const std::int64_t until = std::min(file->end(), end_);
    const std::string_view bytes = file->mapped->view(at - file->base, until - at);
    const auto here = std::min(into.size() - count, static_cast<std::size_t>((until - at) / unit_size_));
    decode(bytes.data(), at / unit_size_, into.subspan(count, here));
    count += here;
    at += static_cast<std::int64_t>(here) * unit_size_;
  }
  return count;
}

bool ConsumeQueue::expire(std::int64_t min_physical_offset) {
  const std::scoped_lock lock(mutex_);
  const bool found = find_min(min_physical_offset);  // First: the units of a file that goes bear witness for those behind it.
  for (auto bases = files_.bases(); bases.size() > 1 && bases[1] <= min_ * unit_size_; bases = files_.bases()) {
    const auto removed = files_.remove_first();
    if (!removed) {
      log::warn("{}: cannot remove the first file: {}", files_.folder(), removed.error().message());
      break;
    }
  }
  expire_extensions();
  if (!last_.mapped) files_.unmap();  // The queue rests: tens of thousands of them must not be mapped by one such round.
  return found;
}

/// The nearest unit from that one on, up or down, that can be one; `number` becomes its number. It is looked for in doubling steps: few
/// reads however many were changed. Empty without one, and `read` false when a unit cannot be read.
std::optional<QueueEntry> ConsumeQueue::unit_near(std::int64_t& number, std::int64_t direction, bool& read) const {
  const std::int64_t first = std::max<std::int64_t>(files_.begin(), 0) / unit_size_;
  for (std::int64_t step = direction; number >= first && number < units(); step *= 2) {
    const auto entry = unit(number);
    read = read && entry;
    if (!entry || valid_unit(*entry)) return entry;
    const bool at_end = number == (direction < 0 ? first : units() - 1);
    number = at_end ? -1 : std::clamp(number + step, first, units() - 1);
  }
  return std::nullopt;
}

/// Whether the log, which begins there, lacks the record of that unit. The units say it, as they stand in the order of their records; but
/// one of them that was changed on disk must not: it is asked only when it stands in order with the one before, and else the next two are,
/// whose records come later. In doubt, beside the first record of the log, the answer is no: it hides nothing from readers.
bool ConsumeQueue::gone(std::int64_t number, std::int64_t min_physical_offset, bool& read) const {
  for (int asked = 0; asked < 3; ++asked, ++number) {
    const auto entry = unit_near(number, 1, read);
    if (!entry) return false;
    if (entry->blank() && entry->physical_offset == 0) return true;
    std::int64_t number_before = number - 1;
    const auto unit_before = unit_near(number_before, -1, read);
    // Those before the first one went with their file: this one was there when they were not.
    std::int64_t before = min_found_for_, size_before = 0;
    if (unit_before) before = unit_before->physical_offset;
    if (unit_before && !unit_before->blank()) size_before = unit_before->size;
    if (entry->physical_offset - size_before < before) continue;
    if (entry->physical_offset < min_physical_offset) return true;
    if (before >= min_physical_offset) return false;
  }
  return false;
}

/// Moves `min_` forward to the first unit at or behind that place; a queue with nothing left keeps its end as min. False, and nothing is
/// moved, when a unit cannot be read: taken for gone it would hide messages.
bool ConsumeQueue::find_min(std::int64_t min_physical_offset) {
  bool read = true;
  if (!files_.empty()) min_ = std::max(min_, files_.begin() / unit_size_);
  const auto before = [&](std::int64_t number) { return gone(number, min_physical_offset, read); };
  const std::int64_t first = min_ < units() && before(min_) ? partition_point(min_, units(), before) : min_;
  if (!read) return false;
  min_ = first;
  min_found_for_ = min_physical_offset;
  return true;
}

Result<void> ConsumeQueue::truncate(std::int64_t physical_offset) {
  const std::scoped_lock lock(mutex_);
  if (max_physical_ <= physical_offset) return {};
  std::int64_t end = end_;
  std::int64_t max_physical = physical_offset;  // With nothing left, everything before that place is still known.
  while (end > std::max<std::int64_t>(files_.begin(), 0)) {
    const auto entry = unit(end / unit_size_ - 1);
    if (!entry) return Errc::io_error;
    // One that reaches beyond is damaged; taken at its word it would keep the next record out of the queue.
    if (valid_unit(*entry) && !entry->blank() && entry->physical_offset + entry->size <= physical_offset) {
      max_physical = entry->physical_offset + entry->size;
      break;
    }
    end -= unit_size_;
  }
  const auto cut_off = cut(end);
  if (!cut_off) return cut_off;
  max_physical_ = max_physical;
  min_ = std::min(min_, units());
  files_.unmap();  // As in `expire`: recovery truncates every queue of a store.
  return {};
}

/// Ends the queue at that byte. What stood behind becomes zeros: after a crash it could pass for units again.
Result<void> ConsumeQueue::cut(std::int64_t end_bytes) {
  before_cut(end_bytes / unit_size_);
  ++cuts_;
  last_ = {};
  end_ = end_bytes;
  dirty_from_ = dirty_from_ < 0 ? end_bytes : std::min(dirty_from_, end_bytes);
  new_names_ = true;  // After a kill even the names of files that stay may not be durable.
  // A file that would hold nothing goes too: Java takes its first unit of zeros for a message, and a pull of that never ends. Only where
  // there is no other file, and its name keeps the place of the queue, it stays.
  const bool keeps_place = end_bytes > 0 && files_.begin() >= end_bytes;
  const auto removed = files_.remove_from(keeps_place ? end_bytes + 1 : end_bytes);
  if (!removed) return removed;
  if (end_bytes >= files_.end()) return {};
  const auto file = files_.find(end_bytes);
  if (!file) return file.error();
  return file->mapped->clear_from(end_bytes - file->base);
}

bool ConsumeQueue::dirty() const {
  const std::scoped_lock lock(mutex_);
  return dirty_from_ >= 0 || !mended_.empty();
}

Result<void> ConsumeQueue::flush() {
  std::vector<std::shared_ptr<MappedFile>> files;
  bool names = false;
  {
    const std::scoped_lock lock(mutex_);
    take_dirty_extensions(files);  // First, so that no durable unit points to what is not.
    files.insert(files.end(), mended_.begin(), mended_.end());
    mended_.clear();
    // The file where a cut queue ends has zeros to write, even when nothing came behind them.
    const std::int64_t from = std::max(dirty_from_, std::max<std::int64_t>(files_.begin(), 0));
    for (std::int64_t at = from; dirty_from_ >= 0 && (at < end_ || (at == from && at < files_.end()));) {
      const auto file = files_.find(at);
      if (!file) return file.error();
      files.push_back(file->mapped);
      at = file->end();
    }
    dirty_from_ = -1;
    names = std::exchange(new_names_, false);
  }
  for (const auto& file : files) {
    const auto flushed = file->flush();
    if (!flushed && flushed.error() != Errc::not_found) return flushed;  // Not found: removed meanwhile.
  }
  if (!names) return {};
  // The names of a new file and of the folders above it: queue, topic, all queues.
  std::string folder = files_.folder();
  for (int level = 0; level < 3; ++level) {
    const auto synced = system_.sync_folder(folder);
    if (!synced && synced.error() != Errc::not_found) return synced;
    folder.resize(folder.rfind('/'));
  }
  return {};
}

void ConsumeQueue::mark_clean() {
  const std::scoped_lock lock(mutex_);
  dirty_from_ = -1;
  mended_.clear();
  new_names_ = false;
}

void ConsumeQueue::rest() {
  const std::scoped_lock lock(mutex_);
  if (!std::exchange(used_, false)) {
    last_ = {};
    unmap_extensions();
    files_.unmap();
  }
}

Result<void> ConsumeQueue::destroy() {
  const std::scoped_lock lock(mutex_);
  last_ = {};
  const auto removed = files_.remove_from(0);
  if (!removed) return removed;
  end_ = min_ = 0;
  before_cut(0);
  ++cuts_;
  max_physical_ = -1;
  dirty_from_ = -1;
  mended_.clear();
  const auto durable = system_.sync_folder(files_.folder());  // Else a power cut brings the files back.
  if (!durable && durable.error() != Errc::not_found) return durable;
  const auto gone = system_.remove_folder(files_.folder(), true);
  if (!gone && gone.error() != Errc::not_found) return gone;
  return destroy_extensions();
}

}  // namespace skylark::consumequeue
