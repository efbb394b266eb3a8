// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message.h"

namespace skylark::commitlog {

/// Records of one queue, encoded one behind the other, for one append: all of them are stored or none.
/// Queue offsets, physical offsets and the store time are filled in by the append. Reuse one per thread: it keeps its memory.
struct EncodedRecords {
  std::string bytes;
  std::vector<std::size_t> begins;  ///< Where each record begins in `bytes`.
  std::string_view topic;
  std::int32_t queue_id = 0;
  bool takes_queue_offset = true;  ///< False for prepared and rollback records, which no consume queue lists.

  void clear() {
    bytes.clear();
    begins.clear();
  }
  /// Encodes one more; all must be of one topic and queue, whose text must outlive the append.
  void add(const RecordFields& fields) {
    topic = fields.topic;
    queue_id = fields.queue_id;
    const std::int32_t type = fields.sys_flag & sys_flag::kTransactionMask;
    takes_queue_offset = type == sys_flag::kTransactionNone || type == sys_flag::kTransactionCommit;
    begins.push_back(bytes.size());
    encode_record(fields, bytes);
  }
};

}  // namespace skylark::commitlog
