// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/result.h"
#include "commitlog/mapped_file_queue.h"

namespace skylark::consumequeue {

/// One unit of a consume queue: which record stands at a queue offset.
struct QueueEntry {
  std::int64_t physical_offset = 0;
  std::int32_t size = 0;
  std::int64_t tags_code = 0;
  /// Fills the place of a message that this store never had.
  [[nodiscard]] bool blank() const noexcept { return size == kBlankSize; }
  static constexpr std::int32_t kBlankSize = 0x7FFFFFFF;
};

inline constexpr std::int64_t kUnitSize = 20;  // Offset 8, size 4, tags code 8: ConsumeQueue.CQ_STORE_UNIT_SIZE.

/// The messages of one topic queue by queue offset: 20-byte units in files of one size. All of it can be made again from the commit log.
///
/// Life:    `load`, `recover`, then use. A queue without messages has no file.
/// Threads: any; one mutex per queue, held for a copy of units (longer when a file is made).
/// Source:  ConsumeQueue.java 5.3; docs/format/commit-log.md.
class ConsumeQueue {
 public:
  /// `folder` is that of the queue, `…/<topic>/<queue id>`. The file size is rounded up to whole units.
  ConsumeQueue(FileSystem& system, std::string folder, std::int64_t file_size);

  /// Counts the mappings of this queue there, with those of others; see `MappedFileQueue::share`. Call before `load`.
  void share(std::shared_ptr<std::atomic<std::int64_t>> mapped_files) { files_.share(std::move(mapped_files)); }
  [[nodiscard]] Result<void> load();
  /// Finds the end: walks from the third last file to the first unit that cannot be one. With `clear_tail` the bytes behind it become
  /// zeros, for a store that was not stopped, where remains could stand there.
  [[nodiscard]] Result<void> recover(bool clear_tail);

  /// Puts the record at that queue offset; readable on return. A record that begins before the end of the last one is known already and
  /// skipped.
  ///
  /// When the offset is taken by an older record, that gives way with all behind it: the topic was deleted and made again in the meantime.
  /// Offsets that were skipped are filled with blank units. Errors: `no_space`, `io_error`; the message is not in the queue, and the call
  /// can be repeated.
  [[nodiscard]] Result<void> append(const QueueEntry& entry, std::int64_t queue_offset);

  /// First queue offset whose message the commit log still has. Equal to `max_offset` when it has none of them.
  [[nodiscard]] std::int64_t min_offset() const;
  /// Queue offset of the next message; 0 when there never was one.
  [[nodiscard]] std::int64_t max_offset() const;
  /// Where the record of the last unit ends in the commit log; -1 without units.
  [[nodiscard]] std::int64_t max_physical_offset() const;
  /// Units from `queue_offset` on, as many as there are and fit. Number of units read.
  [[nodiscard]] std::size_t read(std::int64_t queue_offset, std::span<QueueEntry> into) const;
  [[nodiscard]] std::optional<QueueEntry> at(std::int64_t queue_offset) const;

  /// Tells where the commit log begins now: moves the min offset and removes files that lie below it, except the last.
  void expire(std::int64_t min_physical_offset);
  /// Removes the units of records that begin at or behind that offset.
  [[nodiscard]] Result<void> truncate(std::int64_t physical_offset);
  /// Makes the units durable. Errors: those of the disk.
  [[nodiscard]] Result<void> flush();
  /// True when units were added since the last `flush` or `mark_clean`.
  [[nodiscard]] bool dirty() const;
  /// For an owner that makes the whole file system durable at once: it marks the dirty queues clean, then syncs.
  void mark_clean();
  [[nodiscard]] std::int64_t file_size() const noexcept { return files_.file_size(); }
  /// Drops the mappings of a queue that nobody has used since the last call.
  void rest();
  [[nodiscard]] std::size_t mapped_count() const { return files_.mapped_count(); }
  /// Removes all files and the folder. The queue is empty afterwards.
  [[nodiscard]] Result<void> destroy();

 private:
  using File = commitlog::MappedFileQueue::File;
  [[nodiscard]] Result<void> write_unit(const QueueEntry& entry);
  [[nodiscard]] Result<void> begin_at(std::int64_t queue_offset);
  [[nodiscard]] Result<void> cut(std::int64_t end_bytes);
  [[nodiscard]] std::size_t read_locked(std::int64_t queue_offset, std::span<QueueEntry> into) const;
  [[nodiscard]] std::optional<QueueEntry> at_locked(std::int64_t queue_offset) const;
  void find_min(std::int64_t min_physical_offset);

  FileSystem& system_;
  mutable std::mutex mutex_;
  commitlog::MappedFileQueue files_;
  File last_;                   // The file written last; unmapped while the queue rests.
  std::int64_t allocated_ = 0;  // Byte offset in the queue up to which `last_` is allocated.
  std::int64_t min_ = 0;        // Queue offset.
  std::int64_t end_ = 0;        // Byte offset behind the last unit.
  std::int64_t max_physical_ = -1;
  std::int64_t dirty_from_ = -1;  // First byte not known to be durable; -1: all are.
  bool new_names_ = false;        // Files were made or removed since the last flush.
  mutable bool used_ = false;     // Since the last `rest`.
};

}  // namespace skylark::consumequeue
