// SPDX-License-Identifier: Apache-2.0
#include "commitlog/damage.h"

#include <algorithm>

#include "base/log.h"
#include "commitlog/record_search.h"

namespace skylark::commitlog {
namespace {

// So many zeros behind the last record are space that was allocated and never written: several times the largest record.
constexpr std::int64_t kZerosMax = 16 << 20;

/// Where reading goes on behind the bytes at `at`; -1 when they are the end of the log.
Result<std::int64_t> resume_behind(const MappedFileQueue& files, std::int64_t at, const ScanTrust& trust) {
  SearchLimits limits{.check_crc = true};
  if (at < trust.durable) limits.end = trust.durable;
  if (trust.page_cache_survived) limits = {.zeros_max = kZerosMax, .check_crc = true};
  if (!trust.page_cache_survived && at >= trust.durable) return -1;
  const auto found = find_record(files, at + 1, limits);
  if (!found) return found.error();
  if (found->record >= 0) return found->record;
  return at < trust.durable ? std::min(trust.durable, files.end()) : -1;
}

}  // namespace

void Damage::add(const MappedFileQueue& files, std::int64_t begin, std::int64_t end, const std::string& what) {
  {
    const std::scoped_lock lock(mutex_);
    const auto [found, added] = ranges_.emplace(begin, end);
    if (!added && found->second >= end) return;
    found->second = end;
    count_.store(ranges_.size(), std::memory_order_release);
  }
  const std::int64_t base = begin - begin % files.file_size();
  log::error("damage in {}/{} at {}: {} bytes, log offsets {} to {}, are skipped: {}", files.folder(), mapped_file_name(base), begin - base,
             end - begin, begin, end, what);
}

std::int64_t Damage::end_at(std::int64_t offset) const {
  if (empty()) return -1;
  const std::scoped_lock lock(mutex_);
  auto range = ranges_.upper_bound(offset);
  if (range == ranges_.begin()) return -1;
  --range;
  return offset < range->second ? range->second : -1;
}

Result<ScanResult> scan_past_damage(const MappedFileQueue& files, std::int64_t from, const ScanTrust& trust, const RecordVisitor& visit,
                                    Damage& damage) {
  ScanResult result;
  result.end = from;
  for (;;) {
    const auto scanned = scan_log(files, result.end, true, visit);
    if (!scanned) return scanned.error();
    result.end = scanned->end;
    result.record_count += scanned->record_count;
    if (scanned->last_record >= 0) {
      result.last_record = scanned->last_record;
      result.last_store_timestamp = scanned->last_store_timestamp;
    }
    if (result.end >= files.end()) return result;
    const auto next = resume_behind(files, result.end, trust);
    if (!next) return next.error();
    if (*next < 0) return result;
    const auto what = describe(files, result.end);
    if (!what) return what.error();
    damage.add(files, result.end, *next, *what);
    result.end = *next;
  }
}

}  // namespace skylark::commitlog
