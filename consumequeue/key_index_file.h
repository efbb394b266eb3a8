// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

namespace skylark::consumequeue {

/// How many slots and entries an index file has; not stored in the file, so a reader must know.
struct IndexGeometry {
  std::int32_t slots = 5'000'000;
  std::int32_t entries = 20'000'000;  ///< Entry 0 is never used.
  [[nodiscard]] std::int64_t file_size() const noexcept { return 40 + std::int64_t{slots} * 4 + std::int64_t{entries} * 20; }
};

/// |Java hash| of `topic#key`; 0 where that has no positive counterpart. Source: IndexFile.indexKeyHashMethod.
[[nodiscard]] std::int32_t index_key_hash(std::string_view topic, std::string_view key);
/// The same by the hash of `topic#`, for a record with several keys.
[[nodiscard]] std::int32_t index_key_hash(std::int32_t topic_hash, std::string_view key);
[[nodiscard]] std::int32_t index_topic_hash(std::string_view topic);

/// A hash table on disk from message keys to physical offsets: header, slots, entries chained from the newest to the oldest.
/// Threads: none of its own. Source: IndexFile.java, IndexHeader.java 5.3; docs/format/commit-log.md.
class KeyIndexFile {
 public:
  struct Header {
    std::int64_t begin_timestamp = 0;  ///< Store time of the first key.
    std::int64_t end_timestamp = 0;
    std::int64_t begin_offset = 0;
    std::int64_t end_offset = 0;  ///< Where the record of the last key begins.
    std::int32_t slots_used = 0;
    std::int32_t next_entry = 1;
  };

  /// One key of one record.
  struct Entry {
    std::int32_t key_hash = 0;
    std::int32_t time_difference_s = 0;  ///< Store time behind that of the file's first key.
    std::int32_t previous = 0;           ///< The next older entry of the same slot; 0 ends the chain.
    std::int64_t physical_offset = 0;
  };

  KeyIndexFile(std::unique_ptr<MappedFile> file, IndexGeometry geometry);

  /// For a new file: allocates header and slots. `previous` lends its end, as Java's does, so that indexed records are told before the
  /// first key.
  [[nodiscard]] Result<void> format(const Header& previous);
  [[nodiscard]] const Header& header() const noexcept { return header_; }
  [[nodiscard]] const std::string& path() const noexcept { return file_->path(); }
  [[nodiscard]] bool full() const noexcept { return header_.next_entry >= geometry_.entries; }
  [[nodiscard]] bool empty() const noexcept { return header_.next_entry <= 1; }

  /// Errors: `out_of_range` when it is full, `no_space`, `io_error`; then nothing has changed.
  [[nodiscard]] Result<void> put(std::int32_t key_hash, std::int64_t physical_offset, std::int64_t store_timestamp);
  /// Appends the offsets of entries of that hash and time, newest first, until `into` has `count_max`. Other keys of the same hash are
  /// among them.
  void query(std::int32_t key_hash, std::int64_t begin_ms, std::int64_t end_ms, std::size_t count_max,
             std::vector<std::int64_t>& into) const;
  /// Entry 1 up to `header().next_entry - 1`, in order of writing, and the newest entry of a slot: for who checks a file.
  [[nodiscard]] Entry entry(std::int32_t number) const;
  [[nodiscard]] std::int32_t newest_of_slot(std::int32_t slot) const;
  [[nodiscard]] bool overlaps(std::int64_t begin_ms, std::int64_t end_ms) const noexcept;
  [[nodiscard]] Result<void> flush() { return file_->flush(); }
  /// For a file that a crash left: checks entry by entry and keeps those of whole records before `physical_offset`, up to the first that
  /// contradicts what stands before it. The record of the last entry goes as well: the crash may have taken a part of it. Slots are made
  /// again from what is kept. Errors: those of the disk.
  /// True when the entries were right up to entry `durable_entries` or a record at or behind `physical_offset`: then all of them are whole,
  /// and none is dropped.
  [[nodiscard]] Result<bool> cut_back(std::int64_t physical_offset, std::int32_t durable_entries = 0);
  /// Takes out the entries of records from that offset on, one by one from the last; for a file of which no page was lost. Also what a kill
  /// left of an entry that the header does not count. False when an entry is not the newest of its slot: the file is damaged.
  [[nodiscard]] Result<bool> truncate(std::int64_t physical_offset);

 private:
  [[nodiscard]] std::int64_t slot_at(std::int32_t slot) const noexcept { return 40 + std::int64_t{slot} * 4; }
  [[nodiscard]] std::int64_t entry_at(std::int32_t entry) const noexcept {
    return 40 + std::int64_t{geometry_.slots} * 4 + std::int64_t{entry} * 20;
  }
  [[nodiscard]] Result<void> end_before(std::int32_t next);
  void write_header();

  std::unique_ptr<MappedFile> file_;
  IndexGeometry geometry_;
  Header header_;
  std::int64_t allocated_ = 0;
};

}  // namespace skylark::consumequeue
