// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/queue_mender.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "commitlog/damage.h"
#include "commitlog/record_search.h"

namespace skylark::consumequeue {
namespace {

constexpr std::size_t kReportedMax = 1024;    // More are found again by their readers.
constexpr std::size_t kGivenUpMax = 65'536;   // A store with so many is past mending: nothing is begun any more.
constexpr std::size_t kPlacesPerSweep = 128;  // For each some records are read before the sweep begins.
constexpr std::int64_t kUnitsMax = 262'144;   // So far around a place units are looked at: nearly a file of them, 12 MB in memory.
constexpr std::int32_t kFailuresMax = 5;      // Of the disk, with
constexpr std::int64_t kPauseSteps = 10;      // this pause behind the first, doubled with each: 150 seconds in all.
constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

bool is_batch(const ConsumeQueue& queue) { return queue.kind() == ConsumeQueue::Kind::batch; }

bool holds(const QueueEntry& entry, std::int64_t queue_offset) {
  return entry.queue_offset <= queue_offset && queue_offset < entry.next_queue_offset();
}

}  // namespace

QueueMender::Answer QueueMender::report(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  Place place{std::string(topic), queue_id, queue_offset};
  const std::scoped_lock lock(mutex_);
  if (given_up_.size() >= kGivenUpMax || given_up_.contains(place)) return Answer::given_up;
  if (reported_.size() >= kReportedMax) return Answer::waits;
  return reported_.try_emplace(std::move(place)).second ? Answer::noted : Answer::waits;
}

void QueueMender::step(std::int64_t bytes_max) {
  ++steps_;
  if (sweep_.empty()) plan();
  for (std::int64_t left = bytes_max; left > 0 && !sweep_.empty();) {
    std::int64_t begin = kUnknown, end = kUnknown;
    for (const Span& span : sweep_) {
      begin = std::min(begin, span.begin);
      end = std::min(end, span.end);
    }
    const std::int64_t from = at_ = std::max({at_, begin, log_.begin()});  // Past what no span wants, and what was removed.
    const auto read = from < end ? read_log(std::min(end, from + left), end) : Result<void>();
    left -= at_ - from;
    std::erase_if(sweep_, [&](const Span& span) {
      const bool failed = !read && span.begin <= from;
      if (failed)
        try_later(span, read.error());
      else if (span.end <= at_)
        settle(span);
      return failed || span.end <= at_;
    });
  }
}

/// Begins a sweep with places that wait.
void QueueMender::plan() {
  std::vector<Place> places;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [place, report] : reported_) {
      if (places.size() == kPlacesPerSweep) break;
      if (report.taken || report.not_before > steps_) continue;
      report.taken = true;
      places.push_back(place);
    }
  }
  at_ = 0;
  for (const Place& place : places) {
    const auto known = std::find_if(sweep_.begin(), sweep_.end(), [&](const Span& span) {
      return span.topic == place.topic && span.queue_id == place.queue_id && place.queue_offset >= span.low_next &&
             place.queue_offset < span.high_offset;
    });
    if (known != sweep_.end()) {
      known->offsets.push_back(place.queue_offset);
    } else if (auto span = span_around(place)) {
      sweep_.push_back(std::move(*span));
    }
  }
}

/// The unit, when the record to which it leads says itself that it belongs there.
std::optional<QueueMender::Unit> QueueMender::right_unit(const Span& span, std::int64_t number) const {
  const auto entry = span.queue->unit_at(number);
  if (!entry || !valid_unit(*entry) || entry->blank()) return std::nullopt;
  const auto size = log_.read(entry->physical_offset, sizeof(std::int32_t));  // A changed one may say anything up to 2 GB.
  if (!size || load_be<std::int32_t>(size->bytes.data()) != entry->size) return std::nullopt;
  const auto slice = log_.read(entry->physical_offset, entry->size);
  if (!slice) return std::nullopt;
  const auto record = claimed_record(slice->bytes, entry->physical_offset);
  const std::int32_t count = is_batch(*span.queue) ? entry->message_count : 0;
  if (!record || !belongs(*record, {span.topic, span.queue_id, entry->queue_offset, count})) return std::nullopt;
  return Unit{*entry, commitlog::body_is_whole(*record)};
}

/// Looks for the two units in doubling steps, so that it takes few reads however many were changed; what lies between may be right as well.
/// Empty when nothing is to be mended there: the place is done with.
std::optional<QueueMender::Span> QueueMender::span_around(const Place& place) {
  Span span{.topic = place.topic, .queue_id = place.queue_id, .queue = queues_.find(place.topic, place.queue_id)};
  const auto nothing = [&] {
    forget(place);
    return std::nullopt;
  };
  if (!span.queue) return nothing();
  span.cut_count = span.queue->cut_count();
  const QueueState state = span.queue->state();
  const std::int64_t offset = place.queue_offset;
  if (offset < span.queue->min_offset() || offset >= state.max_offset || state.min_unit >= state.units) return nothing();
  std::int64_t number = span.queue->unit_number(offset);  // In a batch queue one near it: it is searched for by what the units say.
  if (number < 0) number = state.units - 1;
  if (const auto unit = right_unit(span, number); unit && holds(unit->entry, offset)) {
    if (unit->whole) return nothing();
    give_up(place, "its record is damaged, not the unit");
    return std::nullopt;
  }

  const std::int64_t lowest = std::max(state.min_unit, number - kUnitsMax);
  span.low = lowest - 1;
  span.low_next = is_batch(*span.queue) ? -1 : lowest;
  span.begin = log_.begin();
  for (std::int64_t step = 1, at = number; at > lowest; step *= 2) {
    at = std::max(number - step, lowest);
    const auto unit = right_unit(span, at);
    if (!unit || !unit->whole || unit->entry.next_queue_offset() > offset) continue;
    span.low = at;
    span.low_next = unit->entry.next_queue_offset();
    span.begin = unit->entry.physical_offset + unit->entry.size;
    break;
  }
  const std::int64_t highest = std::min(state.units - 1, number + kUnitsMax);
  span.high = highest + 1;
  span.high_offset = is_batch(*span.queue) ? (span.high == state.units ? state.max_offset : kUnknown) : span.high;
  span.end = std::min(state.max_physical_offset, log_.end());
  for (std::int64_t step = 0, at = number - 1; at < highest; step = std::max<std::int64_t>(step * 2, 1)) {
    at = std::min(number + step, highest);
    const auto unit = right_unit(span, at);
    if (!unit || !unit->whole || unit->entry.queue_offset <= offset) continue;
    span.high = at;
    span.high_offset = unit->entry.queue_offset;
    span.end = unit->entry.physical_offset;
    break;
  }
  if (span.high - span.low < 2) return nothing();  // Of a batch queue, in which no message has that offset.
  span.offsets.push_back(offset);
  return span;
}

/// Reads on to the first record at or behind `stop`. `end`: before it all records were entered, so that what cannot be read is damage.
Result<void> QueueMender::read_log(std::int64_t stop, std::int64_t end) {
  std::int64_t next = -1;
  const auto scanned = commitlog::scan_past_damage(
      log_.files(), at_, {.durable = end},
      [&](const MessageView& record) -> Result<void> {
        if (record.physical_offset >= stop) {
          next = record.physical_offset;
          return Errc::closed;
        }
        // Whatever the settings are now: it may have been entered under others.
        return indexer_.for_each_place(record, {.number = true, .enter = true},
                                       [&](const QueuePlace& place, const QueueEntry& entry) -> Result<void> {
                                         take(place, entry);
                                         return {};
                                       });
      },
      log_.damage());
  if (!scanned && next < 0) return scanned.error();
  at_ = std::max(stop, next);
  return {};
}

void QueueMender::take(const QueuePlace& place, const QueueEntry& entry) {
  for (Span& span : sweep_) {
    if (entry.physical_offset < span.begin || entry.physical_offset >= span.end) continue;
    if (place.queue_id != span.queue_id || place.topic != span.topic) continue;
    if (entry.queue_offset < span.low_next || entry.next_queue_offset() > span.high_offset) continue;
    if (entry.message_count != 1 && !is_batch(*span.queue)) continue;  // Such a queue lists no inner batch.
    // Where the topic was deleted and made again, older ones gave way.
    while (!span.found.empty() && span.found.back().queue_offset >= entry.queue_offset) span.found.pop_back();
    span.found.push_back(entry);
  }
}

/// The number of the unit for each record that was found; -1 where it cannot be told. A unit of a batch queue stands behind that of the
/// messages before it, or before that of the messages behind it.
std::vector<std::int64_t> QueueMender::numbers_of(const Span& span) {
  const std::vector<QueueEntry>& found = span.found;
  std::vector<std::int64_t> numbers(found.size(), -1);
  if (!is_batch(*span.queue)) {
    std::transform(found.begin(), found.end(), numbers.begin(), [](const QueueEntry& entry) { return entry.queue_offset; });
    return numbers;
  }
  for (std::int64_t number = span.low + 1; number < span.high; ++number) {  // Those that are right say it.
    const auto entry = span.queue->unit_at(number);
    if (!entry) continue;
    const auto same = std::lower_bound(found.begin(), found.end(), entry->physical_offset,
                                       [](const QueueEntry& other, std::int64_t wanted) { return other.physical_offset < wanted; });
    if (same != found.end() && same->physical_offset == entry->physical_offset && same->queue_offset == entry->queue_offset)
      numbers[static_cast<std::size_t>(same - found.begin())] = number;
  }
  std::int64_t number = span.low, next = span.low_next;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (numbers[i] < 0 && found[i].queue_offset == next) numbers[i] = number + 1;
    number = numbers[i];
    next = number < 0 ? -1 : found[i].next_queue_offset();
  }
  number = span.high;
  next = span.high_offset;
  for (std::size_t i = found.size(); i-- > 0;) {
    if (numbers[i] < 0 && found[i].next_queue_offset() == next) numbers[i] = number - 1;
    number = numbers[i];
    next = number < 0 ? -1 : found[i].queue_offset;
  }
  std::replace_if(
      numbers.begin(), numbers.end(), [&](std::int64_t told) { return told <= span.low || told >= span.high; }, -1);
  return numbers;
}

/// Writes what the queue has otherwise, and tells it.
Result<void> QueueMender::write(const Span& span, const std::vector<std::int64_t>& numbers) {
  std::int64_t count = 0, first = -1, last = -1;
  Result<bool> mended = false;
  for (std::size_t i = 0; i < numbers.size() && mended; ++i) {
    if (numbers[i] < 0) continue;
    mended = span.queue->mend(numbers[i], span.found[i], span.cut_count);
    if (!mended || !*mended) continue;
    if (count++ == 0) first = span.found[i].queue_offset;
    last = span.found[i].next_queue_offset() - 1;
  }
  if (count > 0)
    log::warn("consume queue {} of {}: {} changed units, offsets {} to {}, were mended from the commit log", span.queue_id, span.topic,
              count, first, last);
  return mended ? Result<void>() : mended.error();
}

/// Its part of the log was read.
void QueueMender::settle(const Span& span) {
  const std::vector<std::int64_t> numbers = numbers_of(span);
  const auto written = write(span, numbers);
  if (!written) return try_later(span, written.error());
  for (const std::int64_t offset : span.offsets) {
    const Place place{span.topic, span.queue_id, offset};
    bool right = offset < span.queue->min_offset() || span.queue->cut_count() != span.cut_count;  // Gone meanwhile, or another one now.
    for (std::size_t i = 0; i < numbers.size() && !right; ++i) right = numbers[i] >= 0 && holds(span.found[i], offset);
    if (right)
      forget(place);
    else
      give_up(place, "the commit log has no whole record for it");
  }
}

void QueueMender::forget(const Place& place) {
  const std::scoped_lock lock(mutex_);
  reported_.erase(place);
}

void QueueMender::give_up(const Place& place, const std::string& why) {
  log::error("offset {} of consume queue {} of {} cannot be mended: {}; readers go past it", place.queue_offset, place.queue_id,
             place.topic, why);
  const std::scoped_lock lock(mutex_);
  reported_.erase(place);
  given_up_.insert(place);
}

/// The disk refused something.
void QueueMender::try_later(const Span& span, const ErrorCode& error) {
  log::error("cannot mend offset {} of consume queue {} of {} now: {}", span.offsets.front(), span.queue_id, span.topic, error.message());
  for (const std::int64_t offset : span.offsets) {
    const Place place{span.topic, span.queue_id, offset};
    bool ended = false;
    {
      const std::scoped_lock lock(mutex_);
      Report& report = reported_[place];
      ended = ++report.failures >= kFailuresMax;
      report.taken = false;
      report.not_before = steps_ + (kPauseSteps << (report.failures - 1));
    }
    if (ended) give_up(place, error.message());
  }
}

}  // namespace skylark::consumequeue
