// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/message.h"

namespace skylark::commitlog {

/// Records of one queue, encoded one behind the other, for one append: all of them are stored or none.
/// Queue offsets, physical offsets and the store time are filled in by the append. Reuse one per thread: it keeps the memory of small
/// records.
struct EncodedRecords {
  std::string bytes;
  std::vector<std::size_t> begins;  ///< Where each record begins in `bytes`.
  std::string topic;
  std::int32_t queue_id = 0;
  std::string inner_queues;        ///< Names of more queues that the one record is for; its offsets in them are appended to its properties.
  bool takes_queue_offset = true;  ///< False for prepared and rollback records, which no consume queue lists.
  std::int64_t message_count = 0;  ///< Queue offsets that the records take; an inner batch takes several.
  bool inner_batch = false;        ///< One record that is to name its queue offset in its properties.

  void clear() {
    constexpr std::size_t kKeptMax = 64 * 1024;
    if (bytes.capacity() > kKeptMax) bytes = std::string();
    bytes.clear();
    begins.clear();
    message_count = 0;
    inner_batch = false;
    inner_queues.clear();
  }
  /// Encodes one more; all must be of one topic and queue.
  void add(const RecordFields& fields) {
    topic = fields.topic;
    queue_id = fields.queue_id;
    const std::int32_t type = fields.sys_flag & sys_flag::kTransactionMask;
    takes_queue_offset = type == sys_flag::kTransactionNone || type == sys_flag::kTransactionCommit;
    begins.push_back(bytes.size());
    encode_record(fields, bytes);
    message_count += skylark::message_count(fields.sys_flag, fields.properties).value_or(1);
    inner_batch = (fields.sys_flag & sys_flag::kInnerBatch) != 0;
    properties_size_ = fields.properties.size();
  }

  /// Adds INNER_BASE to the record that was added last; `kInnerBaseSizeMax` bytes of properties must be free.
  void name_base(std::int64_t queue_offset) {
    const std::size_t begin = begins.back();
    std::string properties = bytes.substr(bytes.size() - properties_size_);
    bytes.resize(bytes.size() - properties_size_ - sizeof(std::int16_t));
    set_property(properties, property::kInnerBase, std::to_string(queue_offset));
    append_be<std::int16_t>(bytes, static_cast<std::int16_t>(properties.size()));
    bytes += properties;
    store_be<std::int32_t>(bytes.data() + begin, static_cast<std::int32_t>(bytes.size() - begin));
  }
  static constexpr std::size_t kInnerBaseSizeMax = 32;  // Name, 19 digits, three separators.

 private:
  std::size_t properties_size_ = 0;  // Of the record that was added last.
};

}  // namespace skylark::commitlog
