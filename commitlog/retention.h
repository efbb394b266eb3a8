// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
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
  bool clean_at_once = true;         ///< Whether they do: cleanFileForciblyEnable.
  std::int32_t files_a_round = 10;   ///< deleteFileBatchMax.
  double full_ratio = 0.90;          ///< Above it the store takes no messages: diskSpaceWarningLevelRatio.
  std::string queue_folder = {};     ///< Of the consume queues, whose disk counts as well; empty: none.
};

/// What the disks of a store said when they were asked last; a disk that does not say counts as empty.
struct DiskState {
  double log_used = 0;     ///< Used part of the disk that holds the log; with several folders, of the least used one.
  double queues_used = 0;  ///< Used part of the disk that holds the consume queues.
  bool full = false;       ///< Messages must be refused.
  [[nodiscard]] double used() const noexcept { return std::max(log_used, queues_used); }
};

/// Decides which files at the log's beginning may go, and removes them. The last file always stays.
/// Threads: one caller at a time. Source: DefaultMessageStore.CleanCommitLogService 5.3.
class Retention {
 public:
  Retention(RetentionOptions options, FileSystem& system, Clock& clock) : options_(std::move(options)), system_(system), clock_(clock) {}

  /// Asks the disks, removes nothing, tells the log which of its folders are above `clean_ratio` and get no new files. A disk is full above
  /// `full_ratio`, and below it while it has not the bytes that an append was refused for lack of: that one failed is no reason to refuse
  /// messages for good, nor to try again with each of them.
  DiskState look(CommitLog& log);
  /// An operator asks for it: the next twenty rounds go without regard to the hour.
  void remove_at_any_hour() { manual_rounds_ = kManualRounds; }
  /// One round: looks at hour and disk, removes some files. Number of files removed.
  std::int32_t run(CommitLog& log);

 private:
  static constexpr std::int32_t kManualRounds = 20;  // CleanCommitLogService.MAX_MANUAL_DELETE_FILE_TIMES.
  [[nodiscard]] bool is_hour() const;

  const RetentionOptions options_;
  FileSystem& system_;
  Clock& clock_;
  bool was_full_ = false;
  std::int32_t manual_rounds_ = 0;
};

}  // namespace skylark::commitlog
