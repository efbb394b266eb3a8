// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/recovery.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "commitlog/damage.h"
#include "commitlog/inner_queues.h"
#include "consumequeue/detail/recovery_begin.h"
#include "consumequeue/detail/repair_note.h"

namespace skylark::consumequeue {
namespace {

using Begin = RecoveryBegin;
using QueueName = std::pair<std::string, std::int32_t>;

/// Queues are about to be cut back to where the log was durable too. What is entered again behind that place is in memory alone, so the
/// checkpoint no longer speaks for it: the log's time may move on before the queues are flushed, and another crash come.
Result<void> take_back_queues(commitlog::Checkpoint& checkpoint) {
  checkpoint.update(
      [](commitlog::CheckpointValues& values) { values.queues_timestamp = std::min(values.queues_timestamp, values.log_timestamp); });
  return checkpoint.flush();
}

/// Whether the last unit of a queue that was cut back to what is known of it says something else than it did: it is damaged, or of another
/// life of the queue, whose topic was deleted and made again. A simple queue that is too short is told by its end.
bool ends_otherwise(ConsumeQueue& queue, const QueueState& known) {
  if (known.units <= known.min_unit) return false;
  if (queue.max_offset() != known.max_offset) return queue.kind() == ConsumeQueue::Kind::batch;
  return queue.max_physical_offset() != known.max_physical_offset || !queue.ends_as_assumed();
}

bool is_listed(const MessageView& record) {
  const std::int32_t type = record.sys_flag & sys_flag::kTransactionMask;
  return type == sys_flag::kTransactionNone || type == sys_flag::kTransactionCommit;
}

/// What a crash left in the page cache alone would count as flushed from now on, so it is flushed.
Result<void> flush_range(const commitlog::MappedFileQueue& files, std::int64_t begin, std::int64_t end) {
  for (const std::int64_t base : files.bases()) {
    if (base + files.file_size() <= begin || base >= end) continue;
    const auto file = files.find(base);
    if (!file) return file.error();
    const auto flushed = file->mapped->flush();
    if (!flushed) return flushed;
  }
  return {};
}

/// A store without a commit log file: whatever follows the log is of another one.
Result<RecoveryResult> begin_anew(const StoreParts& parts, bool crashed) {
  if (crashed && parts.index != nullptr) {
    const auto cut = parts.index->cut_back(0);
    if (!cut) return cut.error();
  }
  const auto topics = parts.queues.topics();
  if (!topics.empty()) log::warn("there is no commit log file: all consume queues are removed");
  for (const std::string& topic : topics) parts.queues.remove_topic(topic);
  const auto opened = parts.log.open_at(0, 0);
  if (!opened) return opened.error();
  return RecoveryResult{};
}

/// One start of a store, step by step.
class Recovery {
 public:
  Recovery(const StoreParts& parts, StoreLeft left)
      : parts_(parts), left_(std::move(left)), bases_(parts.log.files().bases()), note_(parts.system, parts.repair_note) {}

  Result<RecoveryResult> run();

 private:
  [[nodiscard]] Result<void> find_queue_ends();
  [[nodiscard]] Result<void> cut_queues();
  [[nodiscard]] Result<void> refill_lost();
  [[nodiscard]] Result<void> replay();
  [[nodiscard]] Result<void> keep_ends();
  [[nodiscard]] Result<void> enter(const MessageView& record);
  [[nodiscard]] Result<void> clear_behind_the_end();
  [[nodiscard]] Result<bool> tail_in_doubt();
  void publish();
  /// The process died, the page cache is whole, and where things ended is known.
  [[nodiscard]] bool only_killed() const { return left_.crashed && left_.ends != nullptr && left_.page_cache_survived; }
  void expire(ConsumeQueue& queue) { result_.mins_found = queue.expire(bases_.front()) && result_.mins_found; }
  void lose(QueueTable::Doubt doubt, std::string reason) {
    doubt.reason = std::move(reason);
    left_.found.lost.push_back(std::move(doubt));
  }
  [[nodiscard]] commitlog::ScanTrust trust() const { return {left_.durable.value_or(-1), left_.page_cache_survived}; }

  const StoreParts& parts_;
  StoreLeft left_;
  const std::vector<std::int64_t> bases_;
  RepairNote note_;
  std::int64_t max_physical_offset_ = -1;
  Begin begin_;
  RecoveryResult result_;
  bool flush_can_follow_ = false;  // Nothing stands behind the end of the log, so what is not durable yet can wait for its flusher.
  std::map<QueueName, std::int64_t> refused_next_;  // Next offsets of queues that lack their last units.
};

Result<RecoveryResult> Recovery::run() {
  const auto walked = find_queue_ends();
  if (!walked) return walked.error();
  if (bases_.empty()) return begin_anew(parts_, left_.crashed);
  const auto begin = find_recovery_begin(parts_, left_, bases_, max_physical_offset_);
  if (!begin) return begin.error();
  begin_ = *begin;
  for (const auto step :
       {&Recovery::cut_queues, &Recovery::refill_lost, &Recovery::replay, &Recovery::clear_behind_the_end, &Recovery::keep_ends}) {
    const auto done = (this->*step)();
    if (!done) return done.error();
  }
  using Durable = commitlog::CommitLog::Durable;
  const auto durable = flush_can_follow_ ? std::optional(Durable{begin_.queues, left_.ends->store_timestamp}) : std::nullopt;
  const auto opened = parts_.log.open_at(result_.end, result_.store_timestamp, durable);
  if (!opened) return opened.error();
  if (left_.crashed &&
      !flush_can_follow_) {  // With the zeros behind the end: what was cut off must not show through when the next record's pages are lost.
    const auto flushed = flush_range(parts_.log.files(), begin_.queues, result_.end + 1);
    if (!flushed) return flushed.error();
  }
  if (left_.crashed) {
    const auto named = parts_.log.sync_folders();
    if (!named) return named.error();
  }
  publish();
  return result_;
}

/// Reads the queues of which nothing is known.
Result<void> Recovery::find_queue_ends() {
  std::vector<QueueTable::Doubt> sound;
  for (QueueTable::Doubt& doubt : left_.found.unknown) {
    // What it holds of records before the ends is of a queue that was removed; the others are entered again.
    const bool remains = left_.ends != nullptr && doubt.unheard_of;
    const auto recovered = remains ? doubt.named.queue->start_over() : doubt.named.queue->recover(left_.crashed);
    if (!recovered) return recovered;
    if (doubt.known) {  // Exact for all records before the durable offset; the others are entered again.
      const auto cut = doubt.named.queue->cut_back(*doubt.known);
      if (!cut) return cut;
    }
    if (!bases_.empty()) expire(*doubt.named.queue);  // Shows it when nothing is left, before its next record comes.
    if (doubt.known && ends_otherwise(*doubt.named.queue, *doubt.known))
      lose(std::move(doubt), "its last unit is not as it was");
    else if (doubt.named.queue->max_offset() < doubt.max_offset)
      lose(std::move(doubt), fmt::format("it ends at {}", doubt.named.queue->max_offset()));
    else
      sound.push_back(std::move(doubt));
  }
  left_.found.unknown = std::move(sound);
  for (RepairNote::Entry& entry : note_.read()) {
    const auto is_it = [&](const QueueTable::Doubt& lost) {
      return lost.named.topic == entry.topic && lost.named.queue_id == entry.queue_id;
    };
    if (std::any_of(left_.found.lost.begin(), left_.found.lost.end(), is_it)) continue;
    const auto queue = parts_.queues.find_or_make(entry.topic, entry.queue_id);
    lose({.named = {entry.topic, entry.queue_id, queue}, .max_offset = entry.max_offset}, "a start did not finish making it again");
  }
  for (const auto& named : parts_.queues.all()) max_physical_offset_ = std::max(max_physical_offset_, named.queue->max_physical_offset());
  return {};
}

/// After a crash queues end where reading begins: what they hold of later records may lack pages.
Result<void> Recovery::cut_queues() {
  if (!left_.crashed) return {};
  const auto taken_back = take_back_queues(parts_.checkpoint);
  if (!taken_back) return taken_back;
  const bool tails = left_.ends != nullptr && !left_.page_cache_survived;
  for (const auto& named : parts_.queues.all()) {
    const bool reaches_on = named.queue->max_physical_offset() > begin_.queues;
    auto cut = named.queue->truncate(begin_.queues);
    if (cut && reaches_on) expire(*named.queue);
    if (cut && tails) cut = named.queue->clear_behind_end();
    if (cut) continue;
    if (cut.error() != Errc::not_found && cut.error() != Errc::malformed) return cut;
    lose({.named = named, .max_offset = named.queue->max_offset()}, "a file is missing or has another size");
  }
  return {};
}

/// Fills the queues that cannot be used as they are with all that the log has of them.
Result<void> Recovery::refill_lost() {
  if (left_.found.lost.empty()) return {};
  const auto noted = note_.write(left_.found.lost);
  if (!noted) return noted;
  std::set<QueueName> wanted;
  for (const QueueTable::Doubt& lost : left_.found.lost) {
    log::error("consume queue {} of {} is made again from the commit log: {}", lost.named.queue_id, lost.named.topic, lost.reason);
    const auto emptied = lost.named.queue->start_over();
    if (!emptied) return emptied;
    wanted.emplace(lost.named.topic, lost.named.queue_id);
  }
  const auto is_wanted = [&](std::string_view topic, std::int32_t queue_id) { return wanted.contains({std::string(topic), queue_id}); };
  bool reached = begin_.queues <= bases_.front();
  const auto scanned = commitlog::scan_past_damage(
      parts_.log.files(), bases_.front(), trust(),
      [&](const MessageView& record) -> Result<void> {
        reached = reached || record.physical_offset >= begin_.queues;
        if (reached) return Errc::closed;
        return parts_.indexer.add_to_queues(record, is_wanted);
      },
      parts_.log.damage());
  if (!scanned && !reached) return scanned.error();
  return {};
}

/// A lost queue of which the log has no record keeps its place. Any other ends where its records say: the topic may have been made anew.
Result<void> Recovery::keep_ends() {
  for (const QueueTable::Doubt& lost : left_.found.lost) {
    if (lost.named.queue->max_offset() == 0) {
      const auto continued = lost.named.queue->continue_at(lost.max_offset);
      if (!continued) return continued;
    }
    const auto flushed = lost.named.queue->flush();
    if (!flushed) return flushed;
    log::warn("consume queue {} of {} holds messages {} to {} again", lost.named.queue_id, lost.named.topic, lost.named.queue->min_offset(),
              lost.named.queue->max_offset() - 1);
  }
  return left_.found.lost.empty() ? Result<void>() : note_.clear();
}

Result<void> Recovery::replay() {
  result_.begin = begin_.log;
  result_.dispatch_from = -1;
  const auto scanned = commitlog::scan_past_damage(
      parts_.log.files(), begin_.log, trust(), [this](const MessageView& record) { return enter(record); }, parts_.log.damage());
  if (!scanned) return scanned.error();
  result_.end = scanned->end;
  result_.record_count = scanned->record_count;
  if (result_.dispatch_from < 0) result_.dispatch_from = result_.end;
  result_.last_record = scanned->last_record;
  result_.store_timestamp = scanned->last_store_timestamp;
  if (scanned->last_record < 0 && left_.ends != nullptr) {
    result_.last_record = left_.ends->last_record;
    result_.store_timestamp = left_.ends->store_timestamp;
  }
  return {};
}

Result<void> Recovery::enter(const MessageView& record) {
  if (result_.dispatch_from < 0) {
    if (record.physical_offset < begin_.queues) return parts_.index != nullptr ? parts_.index->add(record, true) : Result<void>();
    const auto added = parts_.indexer.add(record, left_.crashed);
    if (added) return {};
    log::error("cannot dispatch the record at {}: {}; it is tried again later", record.physical_offset, added.error().message());
    result_.dispatch_from = record.physical_offset;
  }
  if (!is_listed(record)) return {};
  const auto next = record.queue_offset + message_count(record.sys_flag, record.properties).value_or(1);
  refused_next_[{std::string(record.topic), record.queue_id}] = next;
  return commitlog::for_each_inner_queue(record, parts_.indexer.inner(),
                                         [&](std::string_view name, std::int32_t queue_id, std::int64_t queue_offset) -> Result<void> {
                                           refused_next_[{std::string(name), queue_id}] = queue_offset + 1;
                                           return {};
                                         });
}

/// Takes out of queues and index what they hold of records that are no longer in the log.
Result<void> Recovery::clear_behind_the_end() {
  const auto doubt = tail_in_doubt();
  if (!doubt) return doubt.error();
  flush_can_follow_ = only_killed() && !*doubt && !parts_.log.confirms_when_flushed();
  if (parts_.index != nullptr && parts_.index->end_offset() >= result_.end) {
    const auto cut = parts_.index->truncate(result_.end);
    if (!cut) return cut;
  }
  for (const auto& named : parts_.queues.all()) {
    auto cut = named.queue->truncate(result_.end);
    if (cut && *doubt) cut = named.queue->clear_behind_end();
    if (!cut) return cut;
  }
  return {};
}

/// After a kill the records from the beginning on have taken their old places in the queues again, and nothing stands behind them: unless
/// records are missing that were there once. Then every queue is looked at.
Result<bool> Recovery::tail_in_doubt() {
  if (!only_killed()) return false;
  if (!parts_.log.damage().empty() || parts_.checkpoint.values().log_timestamp > result_.store_timestamp) return true;
  if (parts_.index != nullptr && parts_.index->end_offset() >= result_.end) return true;
  const auto file = parts_.log.files().find(result_.end);
  if (!file && file.error() == Errc::out_of_range) return false;
  if (!file) return {boost::system::in_place_error, file.error()};
  char next[8]{};
  const auto got = file->mapped->read_at(result_.end - file->base, next, sizeof next);
  if (!got) return {boost::system::in_place_error, got.error()};
  return load_be<std::int64_t>(next) != 0;
}

void Recovery::publish() {
  const bool min_known = left_.ends != nullptr && left_.ends->log_begin == parts_.log.begin();
  if (min_known) {
    for (const auto* doubts : {&left_.found.unknown, &left_.found.lost}) {
      for (const QueueTable::Doubt& doubt : *doubts) expire(*doubt.named.queue);
    }
  }
  for (const auto& named : parts_.queues.all()) {
    if (!min_known) expire(*named.queue);
    parts_.log.set_next_queue_offset(named.topic, named.queue_id, named.queue->max_offset());
  }
  for (const auto& [queue, next] : refused_next_) parts_.log.set_next_queue_offset(queue.first, queue.second, next);
  parts_.checkpoint.update(
      [&](commitlog::CheckpointValues& values) { values.confirm_offset = std::max<std::int64_t>(result_.last_record, 0); });
}

}  // namespace

Result<RecoveryResult> recover_store(const StoreParts& parts, StoreLeft left) { return Recovery(parts, std::move(left)).run(); }

}  // namespace skylark::consumequeue
