// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/recovery.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/log.h"
#include "commitlog/log_scanner.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kDoubtMs = 3000;  // StoreCheckpoint.getMinTimestamp.

struct Begin {
  std::int64_t log = 0;     ///< Where reading begins.
  std::int64_t queues = 0;  ///< Records before this one need not be entered into queues.
};

/// `offset` when a whole record stands there, which the index says and the log decides; otherwise -1.
Result<std::int64_t> begins_record(const commitlog::MappedFileQueue& files, std::int64_t offset) {
  if (offset < files.bases().front()) return -1;
  bool found = false;
  const auto scanned = commitlog::scan_log(files, offset, true, [&](const MessageView&) -> Result<void> {
    found = true;
    return Errc::closed;  // One is enough.
  });
  if (!scanned && !found) return scanned.error();
  return found ? offset : -1;
}

Result<Begin> begin_after_crash(const StoreParts& parts, const std::vector<std::int64_t>& bases) {
  const auto checkpoint = parts.checkpoint.values();
  const std::int64_t safe_ms = std::max<std::int64_t>(std::min(checkpoint.log_timestamp, checkpoint.queues_timestamp) - kDoubtMs, 0);
  Begin begin{bases.front(), bases.front()};
  for (auto base = bases.rbegin(); base != bases.rend(); ++base) {
    const auto first_ms = commitlog::first_store_timestamp(parts.log.files(), *base);
    if (!first_ms) return first_ms.error();
    if (*first_ms == 0 || *first_ms > safe_ms) continue;
    begin = {*base, *base};
    break;
  }
  if (parts.index == nullptr) return begin;
  // Of the index stays what is right and lies before that place; keys are read again from the last record that is in it.
  const auto cut = parts.index->cut_back(begin.queues);
  if (!cut) return cut.error();
  const std::int64_t indexed = parts.index->end_offset();
  const auto known = begins_record(parts.log.files(), indexed);
  if (!known) return known.error();
  if (*known >= 0) {
    begin.log = std::min(begin.log, indexed);
    return begin;
  }
  std::int64_t file = bases.front();
  for (const std::int64_t base : bases) {
    if (base <= indexed) file = base;
  }
  begin.log = std::min(begin.log, file);
  return begin;
}

/// Queues are about to be cut back to where the log was durable too. What is entered again behind that place is in memory alone, so the
/// checkpoint no longer speaks for it: the log's time may move on before the queues are flushed, and another crash come.
Result<void> take_back_queues(commitlog::Checkpoint& checkpoint) {
  checkpoint.update(
      [](commitlog::CheckpointValues& values) { values.queues_timestamp = std::min(values.queues_timestamp, values.log_timestamp); });
  return checkpoint.flush();
}

/// A clean stop left nothing undispatched: what lies before the last unit is in its queue, or was deleted with its topic.
Begin begin_after_stop(const std::vector<std::int64_t>& bases, std::int64_t max_physical_offset) {
  std::int64_t begin = bases.front();
  for (const std::int64_t base : bases) {
    if (base <= max_physical_offset) begin = base;
  }
  return {begin, std::max(begin, max_physical_offset)};
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

}  // namespace

Result<RecoveryResult> recover_store(const StoreParts& parts, bool crashed) {
  auto queues = parts.queues.all();
  std::int64_t max_physical_offset = -1;
  for (const auto& named : queues) {
    const auto recovered = named.queue->recover(crashed);
    if (!recovered) return recovered.error();
    max_physical_offset = std::max(max_physical_offset, named.queue->max_physical_offset());
  }
  const auto bases = parts.log.files().bases();
  if (bases.empty()) {
    if (crashed && parts.index != nullptr) {
      const auto cut = parts.index->cut_back(0);
      if (!cut) return cut.error();
    }
    if (!queues.empty()) log::warn("there is no commit log file: all consume queues are removed");
    for (const std::string& topic : parts.queues.topics()) parts.queues.remove_topic(topic);
    const auto opened = parts.log.open_at(0, 0);
    if (!opened) return opened.error();
    return RecoveryResult{};
  }

  const auto begin = crashed ? begin_after_crash(parts, bases) : Result<Begin>(begin_after_stop(bases, max_physical_offset));
  if (!begin) return begin.error();
  if (crashed) {
    const auto taken_back = take_back_queues(parts.checkpoint);
    if (!taken_back) return taken_back.error();
    for (const auto& named : queues) {
      const auto cut = named.queue->truncate(begin->queues);
      if (!cut) return cut.error();
      named.queue->expire(bases.front());  // So that a queue of which nothing is left knows it when its next record comes.
    }
  }

  RecoveryResult result;
  result.begin = begin->log;
  result.dispatch_from = -1;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> refused_next;  // Next offsets of queues that lack their last units.
  const auto scanned = commitlog::scan_log(parts.log.files(), begin->log, true, [&](const MessageView& record) -> Result<void> {
    if (result.dispatch_from < 0) {
      if (record.physical_offset < begin->queues)
        return crashed && parts.index != nullptr ? parts.index->add(record, true) : Result<void>();
      const auto added = parts.indexer.add(record, crashed);
      if (added) return {};
      log::error("cannot dispatch the record at {}: {}; it is tried again later", record.physical_offset, added.error().message());
      result.dispatch_from = record.physical_offset;
    }
    const std::int32_t type = record.sys_flag & sys_flag::kTransactionMask;
    if (type == sys_flag::kTransactionNone || type == sys_flag::kTransactionCommit) {
      refused_next[{std::string(record.topic), record.queue_id}] =
          record.queue_offset + message_count(record.sys_flag, record.properties).value_or(1);
      return commitlog::for_each_inner_queue(record, parts.indexer.inner(),
                                             [&](std::string_view name, std::int32_t queue_id, std::int64_t queue_offset) -> Result<void> {
                                               refused_next[{std::string(name), queue_id}] = queue_offset + 1;
                                               return {};
                                             });
    }
    return {};
  });
  if (!scanned) return scanned.error();
  result.end = scanned->end;
  result.record_count = scanned->record_count;
  if (result.dispatch_from < 0) result.dispatch_from = result.end;

  queues = parts.queues.all();
  for (const auto& named : queues) {
    const auto cut = named.queue->truncate(result.end);
    if (!cut) return cut.error();
  }
  const auto opened = parts.log.open_at(result.end, scanned->last_store_timestamp);
  if (!opened) return opened.error();
  if (crashed) {  // With the zeros behind the end: what was cut off must not show through when the next record's pages are lost.
    const auto flushed = flush_range(parts.log.files(), result.begin, result.end + 1);
    if (!flushed) return flushed.error();
    const auto named = parts.log.sync_folders();
    if (!named) return named.error();
  }
  for (const auto& named : queues) {
    named.queue->expire(parts.log.begin());
    parts.log.set_next_queue_offset(named.topic, named.queue_id, named.queue->max_offset());
  }
  for (const auto& [queue, next] : refused_next) parts.log.set_next_queue_offset(queue.first, queue.second, next);
  parts.checkpoint.update(
      [&](commitlog::CheckpointValues& values) { values.confirm_offset = std::max<std::int64_t>(scanned->last_record, 0); });
  return result;
}

}  // namespace skylark::consumequeue
