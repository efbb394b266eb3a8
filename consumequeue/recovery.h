// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "commitlog/checkpoint.h"
#include "commitlog/commit_log.h"
#include "consumequeue/dispatcher.h"
#include "consumequeue/key_index.h"
#include "consumequeue/queue_table.h"
#include "consumequeue/store_ends.h"

namespace skylark::consumequeue {

/// The parts of a store that recovery brings to one state. `index` may be null.
struct StoreParts {
  commitlog::CommitLog& log;
  QueueTable& queues;
  KeyIndex* index = nullptr;
  Indexer& indexer;
  commitlog::Checkpoint& checkpoint;
  FileSystem& system;
  std::string repair_note;  ///< Path of the file that names queues while they are made again.
};

/// What is known of how the store was left.
struct StoreLeft {
  bool crashed = false;                 ///< No clean stop.
  bool page_cache_survived = false;     ///< A crash of the process alone.
  std::optional<std::int64_t> durable;  ///< Before it everything was on disk everywhere; empty when a Java broker or nobody said so.
  const StoreEnds* ends = nullptr;      ///< The ends that the queues were loaded with; only with `durable`, which is theirs.
  QueueTable::Found found;              ///< What loading the queues left open.
};

struct RecoveryResult {
  std::int64_t begin = 0;          ///< Where reading began.
  std::int64_t end = 0;            ///< The end of the log from now on.
  std::int64_t dispatch_from = 0;  ///< `end`, or an earlier record that the disk refused to index.
  std::int64_t record_count = 0;   ///< Records read behind `begin`.
  std::int64_t last_record = -1;   ///< The last one before `end`, and its store time, as far as they are known.
  std::int64_t store_timestamp = 0;
  bool mins_found = true;  ///< The queues' min offsets are those for the log's beginning; false when units could not be read.
};

/// Finds the end of the commit log, cuts off what lies behind it, and enters into the indexes what they lack. All parts are loaded.
///
/// With `durable` reading begins there. Without it, after a clean stop, it begins with the file of the last record that any queue lists,
/// and what lies behind that record is entered; after a crash with the last file whose first record was known to be flushed everywhere,
/// three seconds of doubt taken off. After a crash queues are cut back to there and filled again, so that pages that a power cut took from
/// their middle come back as well. Lost queues are filled from the whole log. The key index keeps what is right, and may need an earlier
/// beginning.
///
/// On return the log is open for appends, damage is noted in it, and the next queue offsets stand behind the last messages. Everything in
/// the log is durable; after a kill, when `durable` and `ends` are known and the log shows what is not flushed anyway, its next flush does
/// that. Errors: those of reading; then nothing was cut off. Source: CommitLog.recoverNormally, recoverAbnormally 5.3.
[[nodiscard]] Result<RecoveryResult> recover_store(const StoreParts& parts, StoreLeft left);

}  // namespace skylark::consumequeue
