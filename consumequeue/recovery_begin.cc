// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "commitlog/log_scanner.h"
#include "consumequeue/detail/recovery_begin.h"

namespace skylark::consumequeue {
namespace {

using Begin = RecoveryBegin;

constexpr std::int64_t kDoubtMs = 3000;  // StoreCheckpoint.getMinTimestamp.

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

/// Of the index stays what is right and lies before the queues' beginning; keys are read again from the last record that is in it.
Result<Begin> with_index_in_doubt(const StoreParts& parts, Begin begin, const std::vector<std::int64_t>& bases) {
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

Result<Begin> begin_after_crash(const StoreParts& parts, const std::vector<std::int64_t>& bases) {
  const auto checkpoint = parts.checkpoint.values();
  const std::int64_t safe_ms = std::max<std::int64_t>(std::min(checkpoint.log_timestamp, checkpoint.queues_timestamp) - kDoubtMs, 0);
  for (auto base = bases.rbegin(); base != bases.rend(); ++base) {
    const auto first_ms = commitlog::first_store_timestamp(parts.log.files(), *base);
    if (!first_ms) return first_ms.error();
    if (*first_ms != 0 && *first_ms <= safe_ms) return Begin{*base, *base};
  }
  return Begin{bases.front(), bases.front()};
}

/// A clean stop left nothing undispatched: what lies before the last unit is in its queue, or was deleted with its topic.
Begin begin_after_stop(const std::vector<std::int64_t>& bases, std::int64_t max_physical_offset) {
  std::int64_t begin = bases.front();
  for (const std::int64_t base : bases) {
    if (base <= max_physical_offset) begin = base;
  }
  return {begin, std::max(begin, max_physical_offset)};
}

Result<Begin> begin_at_durable(const StoreParts& parts, const StoreLeft& left, const std::vector<std::int64_t>& bases) {
  const std::int64_t durable = std::max(*left.durable, bases.front());
  Begin begin{durable, durable};
  if (parts.index == nullptr) return begin;
  if (left.ends == nullptr || !left.ends->with_index) return left.crashed ? with_index_in_doubt(parts, begin, bases) : Result<Begin>(begin);
  KeyIndex::Left how = KeyIndex::Left::clean;
  if (left.crashed) how = left.page_cache_survived ? KeyIndex::Left::killed : KeyIndex::Left::by_power_cut;
  const auto whole_until = parts.index->resume(left.ends->index, durable, how, parts.log.begin());
  if (!whole_until) return whole_until.error();
  begin.log = std::clamp(*whole_until, bases.front(), durable);
  return begin;
}

}  // namespace

Result<RecoveryBegin> find_recovery_begin(const StoreParts& parts, const StoreLeft& left, const std::vector<std::int64_t>& bases,
                                          std::int64_t max_physical_offset) {
  if (left.durable) return begin_at_durable(parts, left, bases);
  if (!left.crashed) return begin_after_stop(bases, max_physical_offset);
  const auto begin = begin_after_crash(parts, bases);
  if (!begin || parts.index == nullptr) return begin;
  return with_index_in_doubt(parts, *begin, bases);
}

}  // namespace skylark::consumequeue
