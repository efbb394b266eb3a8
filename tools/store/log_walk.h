// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "commitlog/mapped_file_queue.h"
#include "protocol/message.h"

namespace skylark::tools {

/// Bytes of the commit log that are no record, or a record whose body does not match its checksum.
struct LogDamage {
  std::int64_t begin = 0;
  std::int64_t end = 0;  ///< Where the next good record begins, or behind the last byte that is not zero.
  std::string what;
};

struct LogWalk {
  std::int64_t begin = 0;
  std::int64_t end = 0;  ///< Behind the last record, or behind a file that a blank record closes.
  std::int64_t last_record = -1;
  std::int64_t last_store_timestamp = 0;
  std::int64_t record_count = 0;
  std::vector<LogDamage> damage;  ///< Ascending.
};

/// `intact`: the body matches its checksum. An error ends the walk.
using WalkVisitor = std::function<Result<void>(const MessageView& record, bool intact)>;

/// Walks the whole log with `scan_log` and, where that stops, on to the next bytes that are a record and say so themselves: damage in the
/// middle costs no more than what it hit. Reads from disk, not through the mapping. Errors: those of reading, and the visitor's.
[[nodiscard]] Result<LogWalk> walk_log(const commitlog::MappedFileQueue& files, std::int64_t from, const WalkVisitor& visit);

}  // namespace skylark::tools
