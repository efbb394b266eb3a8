// SPDX-License-Identifier: Apache-2.0
#include "tools/store/log_walk.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/crc32.h"
#include "commitlog/log_scanner.h"
#include "commitlog/record_search.h"

namespace skylark::tools {

Result<LogWalk> walk_log(const commitlog::MappedFileQueue& files, std::int64_t from, const WalkVisitor& visit) {
  LogWalk walk;
  walk.begin = walk.end = from;
  for (std::int64_t at = from; at < files.end();) {
    const auto scanned = commitlog::scan_log(files, at, false, [&](const MessageView& record) -> Result<void> {
      const bool intact = commitlog::body_is_whole(record);
      if (!intact) {
        walk.damage.push_back(
            {record.physical_offset, record.physical_offset + record.total_size,
             fmt::format("the body of {} bytes has checksum 0x{:08X}, the record says 0x{:08X} (topic {}, queue {}, offset {})",
                         record.body.size(), crc32_31(record.body), record.body_crc, record.topic, record.queue_id, record.queue_offset)});
      }
      return visit(record, intact);
    });
    if (!scanned) return scanned.error();
    walk.end = scanned->record_count > 0 || scanned->end > at ? scanned->end : walk.end;
    walk.record_count += scanned->record_count;
    if (scanned->last_record >= 0) {
      walk.last_record = scanned->last_record;
      walk.last_store_timestamp = scanned->last_store_timestamp;
    }
    at = scanned->end;
    if (at >= files.end()) break;
    const auto next = commitlog::find_record(files, at, {});
    if (!next) return next.error();
    if (next->record < 0 && next->nonzero_end < 0) break;  // Zeros up to the end: what has not been written yet.
    auto what = commitlog::describe(files, at);
    if (!what) return what.error();
    walk.damage.push_back({at, next->record < 0 ? next->nonzero_end : next->record, std::move(*what)});
    if (next->record < 0) break;
    at = next->record;
  }
  return walk;
}

}  // namespace skylark::tools
