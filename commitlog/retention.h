// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "commitlog/commit_log.h"

namespace skylark::commitlog {

struct RetentionOptions {
  std::int32_t reserved_hours = 72;  ///< Age from which a file may go: that of its last change, as Java has it.
  std::string delete_when = "04";    ///< Hours of the day, local time, separated by `;`.
  double used_ratio_max = 0.75;      ///< Above it old files go at any hour.
  double clean_ratio = 0.85;         ///< Above it files go whatever their age: diskSpaceCleanForciblyRatio.
  double full_ratio = 0.90;          ///< Above it the store takes no messages: diskSpaceWarningLevelRatio.
};

/// Decides which files at the log's beginning may go, and removes them. The last file always stays.
/// Threads: one caller at a time. Source: DefaultMessageStore.CleanCommitLogService 5.3.
class Retention {
 public:
  Retention(RetentionOptions options, FileSystem& system, Clock& clock) : options_(std::move(options)), system_(system), clock_(clock) {}

  /// One round: looks at hour and disk, removes at most ten files. `at_any_hour`: an operator asked. Number of files removed.
  std::int32_t run(CommitLog& log, bool at_any_hour);
  /// As of the last `run`.
  [[nodiscard]] bool disk_full() const noexcept { return disk_full_; }

 private:
  [[nodiscard]] bool is_hour() const;

  const RetentionOptions options_;
  FileSystem& system_;
  Clock& clock_;
  bool disk_full_ = false;
};

}  // namespace skylark::commitlog
