// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/dispatcher.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include <pthread.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "protocol/property_walk.h"

namespace skylark::consumequeue {
namespace {

constexpr std::string_view kDelayTopic = "SCHEDULE_TOPIC_XXXX";
constexpr std::int64_t kHeaderSize = 8;
constexpr std::chrono::seconds kRetryPause{1};
constexpr std::size_t kByCallerMax = 16;       // Records: its other work waits meanwhile.
constexpr std::chrono::milliseconds kRest{1};  // How long readers may find records late that nobody waited for. Java polls as often.
constexpr std::int64_t kQueueOffsetMax =
    std::numeric_limits<std::int64_t>::max() / kUnitSize - (1 << 30);  // Its byte, and a file behind it.

/// A topic names a folder. The broker checks what clients send; bytes of a master or of a store found on disk come past it.
bool names_a_folder(std::string_view topic) {
  return !topic.empty() && topic != "." && topic != ".." && topic.find('/') == std::string_view::npos &&
         topic.find('\0') == std::string_view::npos;
}

bool has_place(const MessageView& record) {
  if (names_a_folder(record.topic) && record.queue_id >= 0 && record.queue_offset >= 0 && record.queue_offset <= kQueueOffsetMax)
    return true;
  log::error("the record at {} is for topic '{}', queue {}, offset {}: no queue can hold it", record.physical_offset, record.topic,
             record.queue_id, record.queue_offset);
  return false;
}

std::string_view tags_of(const MessageView& record) { return record.property(property::kTags).value_or(""); }

std::int64_t code_of(const MessageView& record, std::string_view tags, const std::vector<std::int64_t>& delay_levels_ms) {
  if (record.topic == kDelayTopic) {
    if (const auto text = record.property(property::kDelay)) {
      std::int64_t level = 0;
      std::from_chars(text->data(), text->data() + text->size(), level);
      level = std::min(level, static_cast<std::int64_t>(delay_levels_ms.size()));
      if (level > 0) return record.store_timestamp + delay_levels_ms[static_cast<std::size_t>(level - 1)];
      if (*text != "0") return record.store_timestamp + 1000;  // Java: a level it does not know is due in a second.
    }
  }
  return tags_code(tags);
}

}  // namespace

Result<std::vector<std::int64_t>> parse_delay_levels(const std::vector<std::string>& words) {
  std::vector<std::int64_t> levels;
  for (const std::string& word : words) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || number <= 0 || end + 1 != word.data() + word.size()) return Errc::invalid_argument;
    std::int64_t unit_ms = 0;
    switch (*end) {
      case 's': unit_ms = 1000; break;
      case 'm': unit_ms = 60'000; break;
      case 'h': unit_ms = 3'600'000; break;
      case 'd': unit_ms = 86'400'000; break;
      default: return Errc::invalid_argument;
    }
    levels.push_back(number * unit_ms);
  }
  return levels;
}

std::int64_t queue_tags_code(const MessageView& record, const std::vector<std::int64_t>& delay_levels_ms) {
  return code_of(record, tags_of(record), delay_levels_ms);
}

/// What stands for it in its own queue; empty when no queue lists it.
std::optional<QueueEntry> Indexer::own_entry(const MessageView& record, std::string_view tags) const {
  const std::int32_t type = record.sys_flag & sys_flag::kTransactionMask;
  if (type != sys_flag::kTransactionNone && type != sys_flag::kTransactionCommit) return std::nullopt;
  QueueEntry entry{record.physical_offset, record.total_size, code_of(record, tags, delay_levels_ms_), record.queue_offset};
  entry.message_count = message_count(record.sys_flag, record.properties).value_or(1);
  entry.store_timestamp = record.store_timestamp;
  return entry;
}

Result<void> Indexer::for_each_inner_place(const MessageView& record, const QueueEntry& own, const commitlog::InnerQueueOptions& inner,
                                           const PlaceVisitor& visit) {
  return commitlog::for_each_inner_queue(
      record, inner, [&](std::string_view name, std::int32_t queue_id, std::int64_t queue_offset) -> Result<void> {
        if (queue_offset > kQueueOffsetMax) return {};
        return visit({name, queue_id, queue_offset, 1}, {own.physical_offset, own.size, own.tags_code, queue_offset});
      });
}

Result<void> Indexer::for_each_place(const MessageView& record, const commitlog::InnerQueueOptions& inner,
                                     const PlaceVisitor& visit) const {
  const auto own = own_entry(record, tags_of(record));
  if (!own) return {};
  const auto visited = visit({record.topic, record.queue_id, record.queue_offset, own->message_count}, *own);
  return visited ? for_each_inner_place(record, *own, inner, visit) : visited;
}

Result<Indexer::Entered> Indexer::add(const MessageView& record, bool repeat_last_key) {
  if (!has_place(record)) return Entered{};
  const auto [tags, unique_key, key_words] =
      find_properties<3>(record.properties, {property::kTags, property::kUniqueKey, property::kKeys});
  const auto queued = enter(record, tags.value_or(""));
  if (!queued) return queued;
  if (index_ != nullptr) {
    const auto indexed = index_->add(record, {unique_key.value_or(""), key_words.value_or("")}, repeat_last_key);
    if (!indexed) return indexed.error();
  }
  return queued;
}

Result<void> Indexer::add_to_queues(const MessageView& record, const Wanted& wanted) {
  if (!has_place(record)) return {};
  const auto entered = enter(record, tags_of(record), &wanted);
  return entered ? Result<void>() : entered.error();
}

Result<Indexer::Entered> Indexer::enter(const MessageView& record, std::string_view tags, const Wanted* wanted) {
  const auto own = own_entry(record, tags);
  if (!own) return Entered{};
  queues_.limit_mappings();
  Entered entered;
  if (wanted == nullptr || (*wanted)(record.topic, record.queue_id)) {
    const auto queue = queues_.find_or_make(record.topic, record.queue_id, (record.sys_flag & sys_flag::kInnerBatch) != 0);
    if (!queue) return queue.error();
    if (*queue) {
      const auto queued =
          (*queue)->append(*own, record.queue_offset, bit_map_of_ ? bit_map_of_(record.topic, record.properties) : std::string());
      if (!queued) return queued.error();
      entered = {true, own->tags_code};
    }
  }
  if (!inner_.number || !inner_.enter) return entered;
  const auto inner = for_each_inner_place(record, *own, inner_, [&](const QueuePlace& place, const QueueEntry& entry) -> Result<void> {
    if (wanted != nullptr && !(*wanted)(place.topic, place.queue_id)) return {};
    const auto queue = queues_.find_or_make(place.topic, place.queue_id, false);
    if (!queue) return queue.error();
    return *queue ? (*queue)->append(entry, entry.queue_offset) : Result<void>();
  });
  if (!inner) return inner.error();
  return entered;
}

Dispatcher::Dispatcher(commitlog::CommitLog& log, Indexer& indexer, Listener listener)
    : log_(log), indexer_(indexer), listener_(std::move(listener)) {}

Dispatcher::~Dispatcher() { stop(); }

void Dispatcher::start(std::int64_t from, std::int64_t last_record, std::int64_t timestamp) {
  position_ = from;
  last_record_ = last_record;
  timestamp_ = timestamp;
  thread_ = std::thread([this] { run(); });
}

void Dispatcher::wake(Haste haste) {
  // A look is enough here: whoever rests wakes by himself.
  if (haste == Haste::none && state_.load(std::memory_order_acquire) == State::resting) return;
  // Both sides exchange: whoever comes second sees what the other did before, the thread the log's new end, or we that it sleeps.
  const State was = state_.exchange(haste == Haste::none ? State::running : State::hurried, std::memory_order_acq_rel);
  if (was == State::running || was == State::hurried) return;
  if (haste == Haste::by_caller && enter_by_caller()) return;
  { const std::scoped_lock lock(mutex_); }  // Not while it is told: it would wake up to wait for the mutex.
  work_.notify_one();
}

/// In place of the thread, when it is not at it; false when the thread has to go on.
bool Dispatcher::enter_by_caller() noexcept {
  const std::unique_lock turn(turn_, std::try_to_lock);
  if (!turn || stopping_) return false;
  if (drain(kByCallerMax) != Drained::all) return false;
  state_.exchange(State::asleep, std::memory_order_acq_rel);
  if (!more()) return true;
  state_.exchange(State::hurried, std::memory_order_acq_rel);
  return false;
}

void Dispatcher::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    work_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Dispatcher::run() {
  ::pthread_setname_np(::pthread_self(), "dispatch");
  for (;;) {
    std::unique_lock turn(turn_);
    const std::int64_t before = position();
    const Drained drained = drain(std::numeric_limits<std::size_t>::max());
    std::unique_lock lock(mutex_);
    if (drained == Drained::stalled) {
      turn.unlock();
      if (stopping_) return;
      work_.wait_for(lock, kRetryPause, [this] { return stopping_.load(); });
      continue;
    }
    const bool rests = position() != before && state_.load(std::memory_order_relaxed) != State::hurried;
    state_.exchange(rests ? State::resting : State::asleep, std::memory_order_acq_rel);
    const bool waits = !more();
    turn.unlock();
    if (waits && stopping_) return;
    if (waits && rests) work_.wait_for(lock, kRest);
    if (waits && !rests) work_.wait(lock);  // Woken for nothing it goes round once.
    State still = rests ? State::resting : State::asleep;
    state_.compare_exchange_strong(still, State::running, std::memory_order_relaxed);  // Unless somebody hurries it.
  }
}

/// Whether there are records that were not there when the last turn ended.
bool Dispatcher::more() const {
  const std::int64_t confirmed = log_.confirmed();
  return confirmed > position() && confirmed != blocked_at_;
}

Dispatcher::Drained Dispatcher::drain(std::size_t count_max) {
  for (;;) {
    const std::int64_t confirmed = log_.confirmed();
    std::int64_t at = position();
    if (at < log_.begin()) {
      log::warn("records from {} to {} were removed before they could be dispatched", at, log_.begin());
      at = log_.begin();
      position_.store(at, std::memory_order_release);
    }
    if (const std::int64_t behind = log_.damage().end_at(at); behind >= 0) {  // Found by recovery, and reported.
      position_.store(behind, std::memory_order_release);
      continue;
    }
    blocked_at_ = -1;
    const auto chunk = log_.view_some(at, std::numeric_limits<std::int32_t>::max(), confirmed);
    if (!chunk) return Drained::all;
    std::string_view bytes = chunk->bytes;
    const std::int64_t file_left = log_.file_size() - at % log_.file_size();
    std::int64_t left_in_file = file_left;
    std::span<const MessageView> ahead;
    while (static_cast<std::int64_t>(bytes.size()) >= kHeaderSize) {
      if (log_.damage().end_at(at + file_left - left_in_file) >= 0) break;
      const auto size = load_be<std::int32_t>(bytes.data());
      const auto magic = load_be<std::int32_t>(bytes.data() + 4);
      if (magic == kBlankMagic) {
        // To the next file, but not past what is confirmed: the rest of this one may still be on its way to a replica.
        if (left_in_file > static_cast<std::int64_t>(bytes.size())) break;
        bytes.remove_prefix(static_cast<std::size_t>(left_in_file));
        position_.store(at + file_left, std::memory_order_release);
        break;
      }
      if (size < kHeaderSize || static_cast<std::size_t>(size) > bytes.size()) break;
      if (count_max-- == 0) return Drained::some;
      if (ahead.empty()) ahead = look_ahead(bytes);
      if (!ahead.empty()) {
        if (!enter(ahead.front())) return Drained::stalled;
        ahead = ahead.subspan(1);
      } else {
        log::error("the record at {} cannot be read and is skipped: {}", at + file_left - left_in_file,
                   decode_record(bytes).error().message());
      }
      bytes.remove_prefix(static_cast<std::size_t>(size));
      left_in_file -= size;
      position_.store(at + file_left - left_in_file, std::memory_order_release);
    }
    if (left_in_file < kHeaderSize && bytes.empty()) position_.store(at + file_left, std::memory_order_release);
    if (position() == at) {
      // An incomplete record, of a replica: the rest arrives later. Anything else was never written by an append.
      blocked_at_ = confirmed;
      return Drained::all;
    }
  }
}

/// The records at the front of what is there, up to one that is not whole or cannot be read.
std::span<const MessageView> Dispatcher::look_ahead(std::string_view bytes) {
  std::size_t count = 0;
  for (; count < ahead_.size() && static_cast<std::int64_t>(bytes.size()) >= kHeaderSize; ++count) {
    const auto record = decode_record(bytes);
    if (!record) break;
    ahead_[count] = *record;
    bytes.remove_prefix(static_cast<std::size_t>(record->total_size));
  }
  const std::span<const MessageView> ahead(ahead_.data(), count);
  indexer_.look_ahead(ahead);
  return ahead;
}

bool Dispatcher::enter(const MessageView& record) {
  const auto added = indexer_.add(record);
  if (!added) {
    if (!stalled_.exchange(true))
      log::error("cannot dispatch the record at {}: {}; trying again", record.physical_offset, added.error().message());
    return false;
  }
  if (stalled_.exchange(false)) log::warn("dispatching goes on at {}", record.physical_offset);
  timestamp_.store(record.store_timestamp, std::memory_order_release);
  last_record_.store(record.physical_offset, std::memory_order_release);
  if (added->queued && listener_) listener_(record, added->tags_code);
  return true;
}

}  // namespace skylark::consumequeue
