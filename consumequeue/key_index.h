// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "consumequeue/key_index_file.h"
#include "protocol/message.h"

namespace skylark::consumequeue {

/// One file of the index: its name and how far it is filled.
struct IndexFileState {
  std::string name;
  std::int32_t next_entry = 1;
  std::int64_t end_offset = 0;
  friend bool operator==(const IndexFileState&, const IndexFileState&) = default;
};

/// What a record is found by: its unique key, and words between spaces.
struct RecordKeys {
  std::string_view unique;
  std::string_view words;
};

/// Finds messages by unique key and by the words of KEYS, in a row of index files. All of it can be made again from the commit log.
/// Threads: any. Source: IndexService.java 5.3.
class KeyIndex {
 public:
  KeyIndex(FileSystem& system, Clock& clock, std::string folder, IndexGeometry geometry);

  /// Opens the files. After a crash those that hold keys younger than `safe_timestamp` may lack what was not yet on disk: `cut_back`
  /// decides on them before anything is added or asked for. Files of another geometry are left alone, with a warning.
  [[nodiscard]] Result<void> load(bool crashed, std::int64_t safe_timestamp);

  /// After a crash: of the files in doubt the oldest keeps what proves to be right, of records before `physical_offset`; the others are
  /// removed. Keys of later records than `end_offset()` have to be added again. Errors: those of the disk.
  [[nodiscard]] Result<void> cut_back(std::int64_t physical_offset);

  /// The files and how far each is filled, oldest first.
  [[nodiscard]] std::vector<IndexFileState> state() const;
  /// How the process ended that left the files.
  enum class Left { clean, killed, by_power_cut };
  /// In place of `cut_back`, for who knows from `state()` what was durable of records before `durable_offset`. Files that are not as they
  /// were then are removed, with those behind them. After a kill the page cache is whole and only the record that was being entered goes;
  /// after a power cut what lies behind `durable_offset` goes. First files whose records are before `log_begin` may have expired. The
  /// answer: keys of records from there on have to be added again, with `repeat_last`; 0 for all. Errors: those of the disk.
  [[nodiscard]] Result<std::int64_t> resume(std::span<const IndexFileState> known, std::int64_t durable_offset, Left left,
                                            std::int64_t log_begin);
  /// Takes out the keys of records from that offset on; for files that lost nothing. Errors: those of the disk.
  [[nodiscard]] Result<void> truncate(std::int64_t physical_offset);

  /// Adds the keys of a record; one that lies before the last indexed record is known already. After an
  /// error the same record is to be added again. `repeat_last`: the last indexed one may be added again.
  [[nodiscard]] Result<void> add(const MessageView& record, bool repeat_last = false);
  /// For who has looked for them already.
  [[nodiscard]] Result<void> add(const MessageView& record, const RecordKeys& keys, bool repeat_last);
  /// Where the last indexed record begins; -1 when nothing is indexed.
  [[nodiscard]] std::int64_t end_offset() const;
  [[nodiscard]] std::int64_t end_timestamp() const;
  /// Store time of the last key in a file that is full and durable, and whose records the log has on disk as well: what the checkpoint
  /// may say. Keys of records that a power cut took would hide those that come in their place.
  [[nodiscard]] std::int64_t safe_timestamp(std::int64_t flushed_physical_offset);

  /// Physical offsets of records that may carry the key, newest first; the caller compares key and time with the record.
  [[nodiscard]] std::vector<std::int64_t> query(std::string_view topic, std::string_view key, std::size_t count_max, std::int64_t begin_ms,
                                                std::int64_t end_ms) const;
  /// Removes files whose records are all gone from the log; never the last.
  void expire(std::int64_t min_physical_offset);
  /// Errors: those of the disk.
  [[nodiscard]] Result<void> flush();

 private:
  [[nodiscard]] std::size_t count_right(std::span<const IndexFileState> known, Left left) const;
  [[nodiscard]] Result<std::int64_t> resume_after_power_cut(std::span<const IndexFileState> known, std::int64_t durable_offset);
  [[nodiscard]] Result<bool> resume_after_kill(std::size_t known_count, std::int64_t durable_offset);
  [[nodiscard]] Result<void> remove_files_from(std::size_t count);
  [[nodiscard]] std::int64_t end_offset_locked() const;
  [[nodiscard]] Result<void> put_all(const MessageView& record, const RecordKeys& keys);
  [[nodiscard]] Result<void> put(std::int32_t key_hash, const MessageView& record);
  [[nodiscard]] Result<void> add_file();

  FileSystem& system_;
  Clock& clock_;
  const std::string folder_;
  const IndexGeometry geometry_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<KeyIndexFile>> files_;  // Oldest first.
  std::string last_name_;
  std::vector<std::shared_ptr<KeyIndexFile>> dirty_;  // Written since the last flush, oldest first.
  bool new_names_ = false;
  std::size_t safe_count_ = 0;    // Files that are whole for certain; the others are in doubt until `cut_back`.
  bool ends_whole_ = false;       // All keys of the last indexed record are there.
  std::int64_t unfinished_ = -1;  // The record of which some keys could not be added yet; of the adding thread alone.
  std::int64_t safe_timestamp_ = 0;
  std::deque<KeyIndexFile::Header> full_and_durable_;  // Oldest first; their records may not be on disk yet.
};

}  // namespace skylark::consumequeue
