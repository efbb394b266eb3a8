// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/result.h"
#include "commitlog/log_scanner.h"
#include "commitlog/mapped_file_queue.h"

namespace skylark::commitlog {

/// Ranges of the commit log that hold no records, or records that are not what was appended. Each is reported once, in the log of the
/// process, with its file. Threads: any.
class Damage {
 public:
  /// Notes [begin, end) and reports it, unless it is known already.
  void add(const MappedFileQueue& files, std::int64_t begin, std::int64_t end, const std::string& what);
  /// Where the damaged range that holds `offset` ends; -1 when none does.
  [[nodiscard]] std::int64_t end_at(std::int64_t offset) const;
  /// Nothing is damaged as far as is known: one load.
  [[nodiscard]] bool empty() const noexcept { return count_.load(std::memory_order_acquire) == 0; }
  [[nodiscard]] std::size_t count() const noexcept { return count_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  std::map<std::int64_t, std::int64_t> ranges_;  // End by begin; they do not overlap.
  std::atomic<std::size_t> count_{0};
};

/// What may lie behind bytes that are no record.
struct ScanTrust {
  std::int64_t durable = -1;  ///< Everything before it was on disk once: what cannot be read there is damage. -1: nothing is known.
  /// The machine has not been started since: all that was appended is there, so that a whole record behind a bad one proves damage.
  bool page_cache_survived = false;
};

/// Like `scan_log` with checksums, but damage does not end it: the range is noted in `damage`, and reading goes on behind it. Bytes that
/// are no record and lie behind all that `trust` vouches for are a torn tail and end the log. Errors: those of reading and of `visit`.
[[nodiscard]] Result<ScanResult> scan_past_damage(const MappedFileQueue& files, std::int64_t from, const ScanTrust& trust,
                                                  const RecordVisitor& visit, Damage& damage);

}  // namespace skylark::commitlog
