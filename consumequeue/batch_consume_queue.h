// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "consumequeue/consume_queue.h"

namespace skylark::consumequeue {

inline constexpr std::int64_t kBatchUnitSize = 46;         // BatchConsumeQueue.CQ_STORE_UNIT_SIZE.
inline constexpr std::int32_t kBatchMessagesMax = 32'767;  // A signed short holds the number of messages.

/// A queue with a unit for each record, which may hold several messages: a unit names the offset of its first message and their number.
///
/// Units stand in the order of their offsets and are searched; offsets may be missing between them.
/// Source: BatchConsumeQueue.java 5.3.
class BatchConsumeQueue final : public ConsumeQueue {
 public:
  /// See `ConsumeQueue`.
  BatchConsumeQueue(FileSystem& system, std::string folder, std::int64_t file_size)
      : ConsumeQueue(Kind::batch, kBatchUnitSize, system, std::move(folder), file_size) {}

  /// Errors: also `invalid_argument` for a number of messages that no unit can hold.
  [[nodiscard]] Result<void> append(const QueueEntry& entry, std::int64_t queue_offset, std::string_view bit_map = {}) override;
  [[nodiscard]] Result<void> continue_at(std::int64_t queue_offset) override;
  /// Offset of the first message of the first record of that time or later, of the last record when all are earlier; with `upper` of the
  /// last record of that time or earlier. Of records that the log still has; `max_offset` without any.
  [[nodiscard]] std::optional<std::int64_t> offset_by_time(std::int64_t timestamp_ms, bool upper) const override;

 private:
  void decode(const char* bytes, std::int64_t unit, std::span<QueueEntry> into) const override;
  void encode(const QueueEntry& entry, char* bytes) const override;
  [[nodiscard]] std::int64_t unit_of(std::int64_t queue_offset) const override;
  [[nodiscard]] bool can_be(const QueueEntry& entry) const noexcept { return valid_unit(entry) && entry.next_queue_offset() <= next_; }
  [[nodiscard]] std::int64_t next_near(std::int64_t number, std::int64_t step) const;
  [[nodiscard]] std::int64_t next_behind(std::int64_t number) const;
  [[nodiscard]] std::int64_t first_offset() const override;
  [[nodiscard]] std::int64_t next_offset() const override { return next_; }
  void before_cut(std::int64_t units) override;
  void before_mend(std::int64_t number, QueueEntry& entry) override;
  void after_assume(std::int64_t max_offset) override;
  [[nodiscard]] std::int64_t first_unit() const { return std::max<std::int64_t>(files_.begin(), 0) / kBatchUnitSize; }

  std::int64_t next_ = 0;                  // Queue offset behind the last message.
  mutable std::int64_t first_known_ = -1;  // The value of `min_` for which `first_` was read.
  mutable std::int64_t first_ = 0;
};

}  // namespace skylark::consumequeue
