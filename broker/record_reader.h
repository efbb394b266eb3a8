// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>

#include "commitlog/commit_log.h"
#include "protocol/remoting_command.h"

namespace skylark::broker {

/// Gets records out of the commit log for readers.
///
/// What this process appended a short while ago is handed out as it is mapped. Older records are looked at first: those in memory are
/// handed out from the mapping too, the others are read from disk, into memory of their own, so that a failing disk is an answer and not
/// the end of the process. Older records must be whole: their place and the checksum of their body are right.
/// Threads: any.
class RecordReader {
 public:
  enum class Outcome {
    found,
    gone,     ///< The log does not have that range (any more).
    on_disk,  ///< It would have to be read from disk, and the caller may not wait.
    damaged,  ///< What lies there is not a whole record; told in the log, once for each place.
    failed,   ///< The disk did not give it; told in the log.
  };
  struct Read {
    Outcome outcome = Outcome::gone;
    PinnedSlice slice;
  };

  /// `log` outlives the reader.
  explicit RecordReader(const commitlog::CommitLog& log) : log_(log) {}

  /// Where the appends of this process begin; before that nothing is taken to be in memory unasked.
  void set_appended_from(std::int64_t physical_offset) noexcept { appended_from_ = physical_offset; }
  [[nodiscard]] Read record(std::int64_t physical_offset, std::int64_t size, bool may_wait) const;
  /// The first bytes of a record, unchecked; may wait for the disk. Empty when they cannot be had.
  [[nodiscard]] std::optional<PinnedSlice> head(std::int64_t physical_offset, std::int64_t size) const;

 private:
  [[nodiscard]] bool just_appended(std::int64_t physical_offset) const noexcept;
  [[nodiscard]] Read read(std::int64_t physical_offset, std::int64_t size, bool may_wait) const;
  void report_damage(std::int64_t physical_offset) const;

  const commitlog::CommitLog& log_;
  std::atomic<std::int64_t> appended_from_{0};
  mutable std::mutex mutex_;
  mutable std::set<std::int64_t> reported_;
};

}  // namespace skylark::broker
