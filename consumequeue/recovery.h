// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"
#include "commitlog/checkpoint.h"
#include "commitlog/commit_log.h"
#include "consumequeue/dispatcher.h"
#include "consumequeue/key_index.h"
#include "consumequeue/queue_table.h"

namespace skylark::consumequeue {

/// The parts of a store that recovery brings to one state. `index` may be null.
struct StoreParts {
  commitlog::CommitLog& log;
  QueueTable& queues;
  KeyIndex* index = nullptr;
  Indexer& indexer;
  commitlog::Checkpoint& checkpoint;
};

struct RecoveryResult {
  std::int64_t begin = 0;          ///< Where reading began.
  std::int64_t end = 0;            ///< The end of the log from now on.
  std::int64_t dispatch_from = 0;  ///< `end`, or an earlier record that the disk refused to index.
  std::int64_t record_count = 0;   ///< Records read.
};

/// Finds the end of the commit log, cuts off what lies behind it, and enters into the indexes what they lack. All parts are loaded.
///
/// After a clean stop reading begins with the file of the last record that any queue lists, and what lies behind that record is entered.
/// After a crash it begins with the last file whose first record was known to be flushed everywhere, three seconds of doubt taken off;
/// queues are cut back to there and filled again, so that pages that a power cut took from their middle come back as well. The key index
/// keeps what is right before there, and may need an earlier beginning: the last record that is in it. On return the log is open for appends, everything in it is durable, and the next queue offsets stand
/// behind the last messages. Errors: those of reading; then nothing was cut off. Source: CommitLog.recoverNormally, recoverAbnormally 5.3.
[[nodiscard]] Result<RecoveryResult> recover_store(const StoreParts& parts, bool crashed);

}  // namespace skylark::consumequeue
