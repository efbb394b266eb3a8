// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "commitlog/mapped_file_queue.h"
#include "commitlog/residency.h"
#include "consumequeue/consume_queue_ext.h"

namespace skylark::consumequeue {

/// One unit of a consume queue: which record holds the messages from a queue offset on.
struct QueueEntry {
  std::int64_t physical_offset = 0;
  std::int32_t size = 0;
  std::int64_t tags_code = 0;
  std::int64_t queue_offset = 0;     ///< Of the first message. Filled in by reading.
  std::int32_t message_count = 1;    ///< More than one only in a batch queue.
  std::int64_t store_timestamp = 0;  ///< Only a batch queue, or an extension, knows it; 0 in others.
  /// Fills the place of a message that this store never had.
  [[nodiscard]] bool blank() const noexcept { return size == kBlankSize; }
  /// Queue offset behind the last message.
  [[nodiscard]] std::int64_t next_queue_offset() const noexcept { return queue_offset + message_count; }
  static constexpr std::int32_t kBlankSize = 0x7FFFFFFF;
};

/// What has to be known of a queue to use it without reading it.
struct QueueState {
  std::int64_t first_base = 0;  ///< Byte of the queue with which its first file begins.
  std::int32_t file_count = 0;  ///< -1: not one row of files without a gap.
  std::int64_t min_unit = 0;    ///< Number of the first unit whose record the log has.
  std::int64_t units = 0;       ///< Number of the next unit.
  std::int64_t max_offset = 0;
  std::int64_t max_physical_offset = -1;
};

/// The messages of one topic queue by queue offset: units of one size in files of one size. All of it can be made again from the commit
/// log.
///
/// There are two kinds, `SimpleConsumeQueue` and `BatchConsumeQueue`, which differ in their units and in how these are found.
/// Life:    `load`, `recover`, then use. A queue without messages has no file.
/// Threads: any; one mutex per queue, held for a copy of units (longer when a file is made).
/// Source:  ConsumeQueue.java, BatchConsumeQueue.java 5.3; docs/format/commit-log.md.
class ConsumeQueue {
 public:
  enum class Kind { simple, batch };

  virtual ~ConsumeQueue() = default;
  ConsumeQueue(const ConsumeQueue&) = delete;
  ConsumeQueue& operator=(const ConsumeQueue&) = delete;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::int64_t unit_size() const noexcept { return unit_size_; }
  /// Counts the mappings of this queue there, with those of others; see `MappedFileQueue::share`. Call before `load`.
  void share(std::shared_ptr<std::atomic<std::int64_t>> mapped_files) { files_.share(std::move(mapped_files)); }
  [[nodiscard]] Result<void> load();
  /// Finds the end: walks from the third last file to the first unit that cannot be one. With `clear_tail` the bytes behind it become
  /// zeros, for a store that was not stopped, where remains could stand there.
  [[nodiscard]] Result<void> recover(bool clear_tail);
  [[nodiscard]] QueueState state() const;
  /// In place of `load` and `recover`: the queue is as it was then. Nothing is read. False for a state that no queue can have.
  [[nodiscard]] bool assume(const QueueState& state);
  /// After `recover`: removes the units behind those of that state. A crash may have brought them back.
  [[nodiscard]] Result<void> cut_back(const QueueState& state);
  /// Whether the last file is there and holds the unit that was assumed to be the last: a look at one page.
  [[nodiscard]] bool ends_as_assumed();
  /// Turns what stands behind the last unit into zeros: after a crash it could pass for units again.
  [[nodiscard]] Result<void> clear_behind_end();
  /// Removes all files of the queue, whatever their size, so that it can be filled again. Other files in its folder stay.
  [[nodiscard]] Result<void> start_over();
  /// For a queue that was filled again and whose last messages are no longer in the log: the next one gets that offset, at least.
  [[nodiscard]] virtual Result<void> continue_at(std::int64_t queue_offset) = 0;

  /// Puts the record at that queue offset; readable on return. A record that begins before the end of the last one is known already and
  /// skipped.
  ///
  /// When the offset is taken by an older record, that gives way with all behind it: the topic was deleted and made again in the meantime.
  /// Errors: `no_space`, `io_error`; the message is not in the queue, and the call can be repeated.
  /// `bit_map`: of the filters that want the message, for a queue with extensions.
  [[nodiscard]] virtual Result<void> append(const QueueEntry& entry, std::int64_t queue_offset, std::string_view bit_map = {}) = 0;

  // Ask memory for what `append` will touch: the object, and then what it leads to. Hints that need no mutex: a stale one is harmless.
  void ask_for_object() const noexcept {
    constexpr std::ptrdiff_t kLine = 64, kCounters = 16;  // Those of `std::make_shared` stand in front of the object.
    const char* const begin = reinterpret_cast<const char*>(this);
    for (const char* at = begin - kCounters; at < reinterpret_cast<const char*>(&files_); at += kLine) __builtin_prefetch(at, 1);
    __builtin_prefetch(begin + sizeof *this);  // What a kind adds.
  }
  void ask_for_end() const noexcept {
    __builtin_prefetch(last_hint_.load(std::memory_order_relaxed));
    __builtin_prefetch(end_hint_.load(std::memory_order_relaxed), 1);
  }

  /// First queue offset whose message the commit log still has. Equal to `max_offset` when it has none of them.
  [[nodiscard]] std::int64_t min_offset() const { return bounds().min; }
  /// Queue offset of the next message; 0 when there never was one.
  [[nodiscard]] std::int64_t max_offset() const { return bounds().max; }
  struct Bounds {
    std::int64_t min = 0;
    std::int64_t max = 0;
  };
  /// Both, as they are at one time.
  [[nodiscard]] Bounds bounds() const;
  /// Where the record of the last unit ends in the commit log; -1 without units.
  [[nodiscard]] std::int64_t max_physical_offset() const;
  /// Units from that of `queue_offset` on, as many as there are and fit; where no unit has that offset, from the next one on. Number of
  /// units read.
  [[nodiscard]] std::size_t read(std::int64_t queue_offset, std::span<QueueEntry> into) const;
  /// The same for who may not wait for the disk: empty when it would have to be asked.
  [[nodiscard]] std::optional<std::size_t> read_resident(std::int64_t queue_offset, std::span<QueueEntry> into,
                                                         commitlog::Residency& residency) const;
  /// The unit of that message.
  [[nodiscard]] std::optional<QueueEntry> at(std::int64_t queue_offset) const;
  /// What the queue keeps beside the unit with that tags code; empty when it is no address, or nothing whole is there.
  [[nodiscard]] virtual std::optional<QueueExtension> extension(std::int64_t /*tags_code*/) const { return std::nullopt; }
  /// Where to begin for messages of that time, by the times in the units; empty in a queue whose units have none. See
  /// `BatchConsumeQueue`.
  [[nodiscard]] virtual std::optional<std::int64_t> offset_by_time(std::int64_t timestamp_ms, bool upper) const;

  // For who mends units that were changed on disk. They are numbered from the beginning of the queue; see `state` for which there are.
  /// Number of the unit that `read` of that offset begins with; -1: none.
  [[nodiscard]] std::int64_t unit_number(std::int64_t queue_offset) const;
  [[nodiscard]] std::optional<QueueEntry> unit_at(std::int64_t number) const;
  /// Moves on when units give way: their numbers may then stand for others.
  [[nodiscard]] std::uint64_t cut_count() const;
  /// Makes the unit what the record says, with the address of its extension where the message has one. False when it is so already, or is
  /// not there any more, or the queue was cut after `cut_count`. Readers copy units under the same mutex and see it whole; the next `flush`
  /// makes it durable. Errors: `no_space`, `io_error`; the unit is as before.
  [[nodiscard]] Result<bool> mend(std::int64_t number, QueueEntry entry, std::uint64_t cut_count);

  /// Tells where the commit log begins now: moves the min offset and removes files that lie below it, except the last. False when a unit
  /// could not be read: the min offset stays.
  bool expire(std::int64_t min_physical_offset);
  /// Removes the units of records that begin at or behind that offset.
  [[nodiscard]] Result<void> truncate(std::int64_t physical_offset);
  /// Makes the units durable. Errors: those of the disk.
  [[nodiscard]] Result<void> flush();
  /// True when units were added or mended since the last `flush` or `mark_clean`.
  [[nodiscard]] bool dirty() const;
  /// For an owner that makes the whole file system durable at once: it marks the dirty queues clean, then syncs.
  void mark_clean();
  [[nodiscard]] std::int64_t file_size() const noexcept { return files_.file_size(); }
  [[nodiscard]] bool has_files() const { return !files_.empty(); }
  /// Drops the mappings of a queue that nobody has used since the last call.
  void rest();
  [[nodiscard]] std::size_t mapped_count() const { return files_.mapped_count(); }
  /// Removes all files and the folder. The queue is empty afterwards.
  [[nodiscard]] Result<void> destroy();

 protected:
  /// `folder` is that of the queue, `…/<topic>/<queue id>`. The file size is rounded up to whole units.
  ConsumeQueue(Kind kind, std::int64_t unit_size, FileSystem& system, std::string folder, std::int64_t file_size);

  // What the two kinds differ in; called under the mutex.
  /// Units that stand one behind the other, the first with that number.
  virtual void decode(const char* bytes, std::int64_t unit, std::span<QueueEntry> into) const = 0;
  virtual void encode(const QueueEntry& entry, char* bytes) const = 0;
  /// Number of the unit that `read` begins with for an offset below `next_offset`; -1: none.
  [[nodiscard]] virtual std::int64_t unit_of(std::int64_t queue_offset) const = 0;
  [[nodiscard]] virtual std::int64_t first_offset() const = 0;
  [[nodiscard]] virtual std::int64_t next_offset() const = 0;
  /// The queue is about to end with that many units; those behind it can still be read.
  virtual void before_cut(std::int64_t /*units*/) {}
  /// A unit is about to become that. What lies beside the units may have a say.
  virtual void before_mend(std::int64_t /*number*/, QueueEntry& /*entry*/) {}
  // What lies beside the units: its dirty files, those that the first unit no longer needs, all of them, its mappings.
  virtual void take_dirty_extensions(std::vector<std::shared_ptr<MappedFile>>& /*files*/) {}
  virtual void expire_extensions() {}
  [[nodiscard]] virtual Result<void> destroy_extensions() { return {}; }
  virtual void unmap_extensions() {}
  /// The queue was assumed to be in a state, with that `max_offset`.
  virtual void after_assume(std::int64_t /*max_offset*/) {}

  using File = commitlog::MappedFileQueue::File;
  [[nodiscard]] Result<void> write_unit(const QueueEntry& entry);
  [[nodiscard]] Result<void> cut(std::int64_t end_bytes);
  [[nodiscard]] std::size_t read_units(std::int64_t unit, std::span<QueueEntry> into) const;
  [[nodiscard]] std::optional<QueueEntry> unit(std::int64_t number) const;
  [[nodiscard]] std::int64_t units() const noexcept { return end_ / unit_size_; }

  // What every append reads and writes comes first and together: of tens of thousands of queues each line of it has to be waited for.
  mutable std::mutex mutex_;
  File last_;             // The file written last; unmapped while the queue rests.
  std::int64_t min_ = 0;  // Number of the first unit whose record the log has.
  std::int64_t end_ = 0;  // Byte offset behind the last unit.
  std::int64_t max_physical_ = -1;

 private:
  std::int64_t allocated_ = 0;                         // Byte offset in the queue up to which `last_` is allocated.
  std::int64_t dirty_from_ = -1;                       // First byte not known to be durable; -1: all are.
  std::atomic<const MappedFile*> last_hint_{nullptr};  // `last_.mapped` when a unit was written last,
  std::atomic<const char*> end_hint_{nullptr};         // and where the next one goes in its mapping.
  const std::int64_t unit_size_;
  const Kind kind_;
  bool new_names_ = false;  // Files were made or removed since the last flush.

 protected:
  mutable bool used_ = false;  // Since the last `rest`.
  std::uint64_t cuts_ = 0;     // How often units gave way.
  commitlog::MappedFileQueue files_;

 private:
  [[nodiscard]] bool find_min(std::int64_t min_physical_offset);
  /// The file that holds that byte, in `found` unless it is the one written last; null: none does.
  [[nodiscard]] const File* file_of(std::int64_t at, File& found) const;
  [[nodiscard]] bool resident(std::int64_t unit, std::size_t count, commitlog::Residency& residency) const;
  [[nodiscard]] std::optional<QueueEntry> unit_near(std::int64_t& number, std::int64_t direction, bool& read) const;
  [[nodiscard]] bool gone(std::int64_t number, std::int64_t min_physical_offset, bool& read) const;

  FileSystem& system_;
  std::vector<std::shared_ptr<MappedFile>> mended_;  // Files to flush beside those from `dirty_from_` on.
  std::int64_t min_found_for_ = 0;                   // Where the log began when `min_` was found.
};

/// True for what can be a unit: zeros, and most of what a crash leaves behind, cannot.
[[nodiscard]] inline bool valid_unit(const QueueEntry& entry) noexcept {
  return entry.physical_offset >= 0 && entry.size > 0 && entry.queue_offset >= 0 && entry.message_count > 0;
}

}  // namespace skylark::consumequeue
