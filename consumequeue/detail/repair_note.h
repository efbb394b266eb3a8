// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "consumequeue/queue_table.h"

namespace skylark::consumequeue {

/// A file that names the queues that are being made again, while they are. A crash in between leaves pages missing anywhere in them, which
/// nobody would look for: the next start makes them again. Format: `queue id, max offset, topic` in lines, the topic last.
class RepairNote {
 public:
  RepairNote(FileSystem& system, std::string path) : system_(system), path_(std::move(path)) {}

  struct Entry {
    std::string topic;
    std::int32_t queue_id = 0;
    std::int64_t max_offset = 0;
  };
  /// What an unfinished start left; empty when there is none.
  [[nodiscard]] std::vector<Entry> read();
  /// Durable on return. Errors: those of the disk.
  [[nodiscard]] Result<void> write(std::span<const QueueTable::Doubt> queues);
  /// The queues are whole and durable.
  [[nodiscard]] Result<void> clear();

 private:
  [[nodiscard]] Result<void> sync();

  FileSystem& system_;
  const std::string path_;
};

}  // namespace skylark::consumequeue
