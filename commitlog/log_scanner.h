// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "commitlog/mapped_file_queue.h"
#include "protocol/message.h"

namespace skylark::commitlog {

struct ScanResult {
  std::int64_t end = 0;           ///< Behind the last valid record, or behind a file closed by a blank one.
  std::int64_t last_record = -1;  ///< Where the last valid record begins; -1 without any.
  std::int64_t last_store_timestamp = 0;
  std::int64_t record_count = 0;
};

/// Called with each valid record, whose views live until it returns. An error ends the scan.
using RecordVisitor = std::function<Result<void>(const MessageView&)>;

/// Reads records from `from`, the beginning of a file or of a record, to the first bytes that are none: fewer than a header, another magic,
/// lengths that contradict each other, a record that claims another offset than its own (remains of a longer log), or with `check_crc` a
/// body that does not match its checksum. Blank records lead to the next file.
///
/// Reads from disk, not through the mapping. Errors: those of reading: a disk that does not answer is not the end of the log.
/// Source: CommitLog.recoverNormally, checkMessageAndReturnSize, 5.3.
[[nodiscard]] Result<ScanResult> scan_log(const MappedFileQueue& files, std::int64_t from, bool check_crc, const RecordVisitor& visit);

/// Store time of the record at the beginning of a file; 0 when there is none.
[[nodiscard]] Result<std::int64_t> first_store_timestamp(const MappedFileQueue& files, std::int64_t base);

}  // namespace skylark::commitlog
