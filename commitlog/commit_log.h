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

#include "base/clock.h"
#include "base/result.h"
#include "commitlog/damage.h"
#include "commitlog/encoded_records.h"
#include "commitlog/file_preparer.h"
#include "commitlog/mapped_file_queue.h"
#include "commitlog/queue_offset_table.h"
#include "commitlog/residency.h"
#include "protocol/remoting_command.h"

namespace skylark::commitlog {

struct CommitLogOptions {
  FileFolders folders;
  std::int64_t file_size = 1'073'741'824;
  bool confirm_when_flushed = false;  ///< SYNC_FLUSH: nothing is shown to readers before it is on disk.
  std::int64_t append_wait_ms = 0;    ///< Longest wait of an append for those before it; 0: as long as it takes.
};

struct AppendResult {
  std::int64_t begin = 0;  ///< Physical offset of the first record.
  std::int64_t end = 0;    ///< Physical offset behind the last one.
  std::int64_t queue_offset = 0;
  std::int64_t store_timestamp = 0;
};

/// Append-only store of every message of this broker, kept in mapped files of one size.
///
/// Life:    `load`, then recovery finds the valid end (`scan_log`) and calls `open_at`; appends run until `close`.
/// Threads: every member from any thread once opened. Appends share one mutex that is held for the copy alone.
/// Source:  CommitLog.java 5.3; docs/format/commit-log.md.
class CommitLog {
 public:
  CommitLog(CommitLogOptions options, FileSystem& system, Clock& clock);
  ~CommitLog();

  /// Makes the writable folders and finds the files. Errors: `not_found` for a read-only folder that is not there, whose records would be
  /// missing, and those of `MappedFileQueue::load`.
  [[nodiscard]] Result<void> load();
  /// How far a log was durable, and the store time of the last record before that place.
  struct Durable {
    std::int64_t end = 0;
    std::int64_t store_timestamp = 0;
  };
  /// Everything behind `end` is cut off and turned into zeros, so that remains of a longer log never come back as records.
  /// `store_timestamp`: of the last valid record; later ones are never given an earlier time. `durable`: where `flush` begins, when all
  /// before `end` is not durable yet.
  [[nodiscard]] Result<void> open_at(std::int64_t end, std::int64_t store_timestamp, std::optional<Durable> durable = std::nullopt);
  /// Refuses appends from now on; when it returns, none is under way. `flush` still works.
  void close();

  /// Writes records behind the last one and fills in offsets and store time.
  ///
  /// On return the bytes are in the page cache: they outlive this process, not the machine (see `flushed`).
  /// Records of one call never span two files; the rest of a full file is closed with a blank record of at least 8 bytes.
  /// Errors: `too_large` (for one file, or its properties with the offsets of inner queues for a record), `read_only`, `no_space`,
  /// `io_error`, `timed_out` (no new file in time), `busy` (others held the log for `append_wait_ms`). After an error no counter has moved
  /// and the log holds no part of the records.
  [[nodiscard]] Result<AppendResult> append(EncodedRecords& records);
  /// Several such appends, each stored or not on its own, for the price of one lock. `results`: as many, in the same order; an append
  /// without records gets `invalid_argument`. Behind one for which the disk has no room the others are not tried.
  void append_each(std::span<EncodedRecords> several, std::span<Result<AppendResult>> results);
  /// Writes bytes of a master's log verbatim; they may begin and end within a record. `offset` must be the end of the log; an empty log
  /// begins where its first bytes say. Errors: `out_of_range`, and those of `append`.
  [[nodiscard]] Result<void> append_raw(std::int64_t offset, std::string_view bytes);

  /// Makes everything appended before the call durable; the new `flushed()`. A failure is final: the log is read only from then on.
  [[nodiscard]] Result<std::int64_t> flush();

  /// Bytes within one file, as they are mapped; empty when the range is not in the log.
  [[nodiscard]] std::optional<PinnedSlice> view(std::int64_t offset, std::int64_t size) const;
  /// Like `view`, but read from disk into memory of their own: a disk error is an error here, where a mapping would kill the process.
  /// Errors: `out_of_range` when the range is not in the log, `io_error`, and those of mapping the file.
  [[nodiscard]] Result<PinnedSlice> read(std::int64_t offset, std::int64_t size) const;
  /// Whether `view` of that range would wait for no disk; see `Residency`.
  [[nodiscard]] bool resident(std::int64_t offset, std::int64_t size) const;
  /// What there is at `offset`, up to `size_max` bytes, the end of that file, and `limit`. Empty when there is nothing.
  [[nodiscard]] std::optional<PinnedSlice> view_some(std::int64_t offset, std::int64_t size_max, std::int64_t limit) const;

  [[nodiscard]] std::int64_t begin() const noexcept { return begin_.load(std::memory_order_acquire); }
  [[nodiscard]] std::int64_t end() const noexcept { return end_.load(std::memory_order_acquire); }
  [[nodiscard]] std::int64_t flushed() const noexcept { return flushed_.load(std::memory_order_acquire); }
  /// How far records may be shown to readers.
  [[nodiscard]] std::int64_t confirmed() const noexcept { return options_.confirm_when_flushed ? flushed() : end(); }
  [[nodiscard]] bool confirms_when_flushed() const noexcept { return options_.confirm_when_flushed; }
  /// Store time of the last record of which everything is flushed; 0 before the first flush.
  [[nodiscard]] std::int64_t flushed_timestamp() const noexcept { return flushed_timestamp_.load(std::memory_order_acquire); }
  /// Calls that made a file durable.
  [[nodiscard]] std::int64_t flush_count() const noexcept { return flush_count_.load(std::memory_order_relaxed); }
  /// True after a flush failed.
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  /// Bytes that the last append needed and the disk could not give; 0 when it had them.
  [[nodiscard]] std::int64_t space_wanted() const noexcept { return space_wanted_.load(std::memory_order_relaxed); }
  /// For how long the append under way has held the mutex; 0 when there is none.
  [[nodiscard]] std::int64_t append_held_ms() const noexcept;

  void set_next_queue_offset(std::string_view topic, std::int32_t queue_id, std::int64_t next);
  void forget_topic(std::string_view topic);
  /// Tells the time of a record that came in by `append_raw`.
  void note_store_timestamp(std::int64_t timestamp);

  /// Removes the oldest file; never the last. Errors: `not_found` when only one is left.
  [[nodiscard]] Result<void> remove_first_file();
  /// Makes durable which files there are. A new one is before its first record; removals are when this has returned.
  [[nodiscard]] Result<void> sync_folders();
  [[nodiscard]] MappedFileQueue& files() noexcept { return files_; }
  [[nodiscard]] const MappedFileQueue& files() const noexcept { return files_; }
  [[nodiscard]] std::int64_t file_size() const noexcept { return files_.file_size(); }
  /// For other files of the store as well.
  [[nodiscard]] Residency& residency() const noexcept { return residency_; }
  /// Ranges that were found damaged; readers and dispatch go past them.
  [[nodiscard]] Damage& damage() noexcept { return damage_; }
  [[nodiscard]] const Damage& damage() const noexcept { return damage_; }

 private:
  [[nodiscard]] bool lock_for_append(std::unique_lock<std::timed_mutex>& lock);
  [[nodiscard]] Result<AppendResult> append_locked(EncodedRecords& records, std::int64_t now_ms);
  [[nodiscard]] Result<void> make_room(std::int64_t size);
  [[nodiscard]] Result<void> next_file(std::int64_t base);
  [[nodiscard]] Result<void> note_space(const Result<void>& outcome, std::int64_t size);
  void written(std::int64_t end);
  [[nodiscard]] std::int64_t active_end() const noexcept { return active_base_ + files_.file_size(); }

  const CommitLogOptions options_;
  FileSystem& system_;
  Clock& clock_;
  MappedFileQueue files_;
  Damage damage_;
  std::unique_ptr<FilePreparer> preparer_;

  std::timed_mutex append_mutex_;  // Guards the members down to the next blank line.
  std::shared_ptr<MappedFile> active_;
  std::int64_t active_base_ = 0;
  bool active_allocated_ = false;
  bool next_requested_ = false;
  std::int64_t populated_ = 0;  // Position in the active file up to which pages have been faulted in, or asked to be.
  std::int64_t store_timestamp_ = 0;
  QueueOffsetTable next_offsets_;

  mutable Residency residency_{clock_};

  std::mutex flush_mutex_;
  std::atomic<std::int64_t> begin_{0};
  std::atomic<std::int64_t> end_{0};
  std::atomic<std::int64_t> flushed_{0};
  std::atomic<std::int64_t> last_timestamp_{0};  // Of a record that lies below `end_`.
  std::atomic<std::int64_t> flushed_timestamp_{0};
  std::atomic<std::int64_t> flush_count_{0};
  std::atomic<std::int64_t> append_begin_ms_{0};
  std::atomic<std::int64_t> space_wanted_{0};
  std::atomic<bool> writable_{false};
  std::atomic<bool> failed_{false};
};

}  // namespace skylark::commitlog
