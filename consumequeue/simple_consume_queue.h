// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "consumequeue/consume_queue.h"

namespace skylark::consumequeue {

inline constexpr std::int64_t kUnitSize = 20;  // Offset 8, size 4, tags code 8: ConsumeQueue.CQ_STORE_UNIT_SIZE.

/// A queue with a unit for each message: that of queue offset N is unit N, so offsets that were skipped are filled with blank units.
/// Source: ConsumeQueue.java 5.3.
class SimpleConsumeQueue final : public ConsumeQueue {
 public:
  /// See `ConsumeQueue`.
  SimpleConsumeQueue(FileSystem& system, std::string folder, std::int64_t file_size)
      : ConsumeQueue(Kind::simple, kUnitSize, system, std::move(folder), file_size) {}

  [[nodiscard]] Result<void> append(const QueueEntry& entry, std::int64_t queue_offset) override;

 private:
  void decode(const char* bytes, std::int64_t unit, std::span<QueueEntry> into) const override;
  void encode(const QueueEntry& entry, char* bytes) const override;
  [[nodiscard]] std::int64_t unit_of(std::int64_t queue_offset) const override { return queue_offset; }
  [[nodiscard]] std::int64_t first_offset() const override { return min_; }
  [[nodiscard]] std::int64_t next_offset() const override { return units(); }
  [[nodiscard]] Result<void> begin_at(std::int64_t queue_offset);
};

}  // namespace skylark::consumequeue
