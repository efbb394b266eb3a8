// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

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

  /// Gives the queue extensions; they are written when `write`, else only read. Call before the first use.
  void extend(std::unique_ptr<ConsumeQueueExt> extensions, bool write);
  [[nodiscard]] Result<void> append(const QueueEntry& entry, std::int64_t queue_offset, std::string_view bit_map = {}) override;
  [[nodiscard]] std::optional<QueueExtension> extension(std::int64_t tags_code) const override;
  [[nodiscard]] Result<void> continue_at(std::int64_t queue_offset) override;

 private:
  void decode(const char* bytes, std::int64_t unit, std::span<QueueEntry> into) const override;
  void encode(const QueueEntry& entry, char* bytes) const override;
  [[nodiscard]] std::int64_t unit_of(std::int64_t queue_offset) const override { return queue_offset; }
  [[nodiscard]] std::int64_t first_offset() const override { return min_; }
  [[nodiscard]] std::int64_t next_offset() const override { return units(); }
  void before_cut(std::int64_t units) override;
  void before_mend(std::int64_t number, QueueEntry& entry) override;
  void take_dirty_extensions(std::vector<std::shared_ptr<MappedFile>>& files) override;
  void expire_extensions() override;
  [[nodiscard]] Result<void> destroy_extensions() override;
  void unmap_extensions() override;
  [[nodiscard]] Result<void> fill_to(std::int64_t queue_offset);
  [[nodiscard]] Result<void> begin_at(std::int64_t queue_offset);
  [[nodiscard]] Result<QueueEntry> with_extension(const QueueEntry& entry, std::string_view bit_map);
  [[nodiscard]] std::optional<std::int64_t> last_address() const;

  std::unique_ptr<ConsumeQueueExt> extensions_;  // Null: none, and none can be read.
  bool writes_extensions_ = false;
};

}  // namespace skylark::consumequeue
