// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "base/crc32.h"
#include "base/result.h"
#include "commitlog/mapped_file_queue.h"
#include "protocol/message.h"

namespace skylark::commitlog {

/// Whether the body matches the record's checksum. An empty one has none.
[[nodiscard]] inline bool body_is_whole(const MessageView& record) {
  return record.body.empty() || crc32_31(record.body) == record.body_crc;
}

/// How far to look, and for what.
struct SearchLimits {
  std::int64_t end = std::numeric_limits<std::int64_t>::max();        ///< Records that begin there or behind it are not looked for.
  std::int64_t zeros_max = std::numeric_limits<std::int64_t>::max();  ///< In a file: so many zeros in a row end the search in it.
  bool check_crc = false;                                             ///< A record with a body that does not match its checksum is none.
};

struct FoundRecord {
  std::int64_t record = -1;       ///< Where the next record begins; -1 without any.
  std::int64_t nonzero_end = -1;  ///< Behind the last byte that is not zero; -1 without any.
};

/// Looks from `from` on for bytes that are a whole record and claim to be where they are, through the file of `from` and those behind it.
/// Only for a log whose remains are known to have been cleared: old records of another time pass as well. Errors: those of reading.
[[nodiscard]] Result<FoundRecord> find_record(const MappedFileQueue& files, std::int64_t from, const SearchLimits& limits);

/// Why a scan stopped there, in words.
[[nodiscard]] Result<std::string> describe(const MappedFileQueue& files, std::int64_t at);

}  // namespace skylark::commitlog
