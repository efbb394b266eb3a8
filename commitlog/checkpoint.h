// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/result.h"

namespace skylark::commitlog {

/// How far the parts of the store were known to be on disk: 4096 bytes, five big-endian integers, a `DurableMark`, the rest zero.
/// Source: StoreCheckpoint.java 5.3; docs/format/commit-log.md.
struct CheckpointValues {
  std::int64_t log_timestamp = 0;          ///< Store time of the last flushed record.
  std::int64_t queues_timestamp = 0;       ///< Store time up to which all consume queues are flushed.
  std::int64_t index_timestamp = 0;        ///< Store time of the last key of the last finished index file.
  std::int64_t master_flushed_offset = 0;  ///< Kept as found.
  std::int64_t confirm_offset = 0;         ///< Set by recovery: where the last valid record begins.
};

/// What this broker knows beyond Java's values: every record that begins before `offset` was on disk, in the log, in its queue and in the
/// key index. Kept behind Java's values, under a checksum that covers those too: it is void once another program has changed them.
struct DurableMark {
  std::int64_t offset = 0;
  std::int64_t lock_modified_ms = 0;  ///< Last change of the file `lock`, which every start of a Java broker writes.
};

/// The checkpoint file. Threads: any.
class Checkpoint {
 public:
  Checkpoint(FileSystem& files, std::string path);

  /// Reads the file or makes it. Damage (another length, values no broker writes) counts as zeros: recovery then starts further back.
  [[nodiscard]] Result<void> open();
  [[nodiscard]] CheckpointValues values() const;
  /// Changes the values in memory; `change` must not call back.
  template <class Change>
  void update(Change change) {
    const std::scoped_lock lock(mutex_);
    change(values_);
  }
  /// Empty when the file holds none that is valid.
  [[nodiscard]] std::optional<DurableMark> durable() const;
  /// Takes effect with the next `flush`.
  void set_durable(std::optional<DurableMark> mark);
  /// Writes the values and the mark and makes them durable, when they differ from what the file holds.
  [[nodiscard]] Result<void> flush();

 private:
  FileSystem& files_;
  const std::string path_;
  mutable std::mutex mutex_;
  CheckpointValues values_;
  std::optional<DurableMark> durable_;
  std::string written_;
  std::unique_ptr<MappedFile> file_;
};

}  // namespace skylark::commitlog
