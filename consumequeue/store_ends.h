// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/page_allocator.h"
#include "base/result.h"
#include "consumequeue/consume_queue.h"
#include "consumequeue/key_index.h"

namespace skylark::consumequeue {

/// The queues of one topic, as they were.
struct TopicEnds {
  struct Queue {
    std::int32_t queue_id = 0;
    QueueState state;
  };
  std::string topic;
  bool batch = false;  ///< Batch queues: those of a topic are all of one kind.
  std::vector<Queue, PageAllocator<Queue>> queues;
};

/// Where everything that follows the commit log ended at one moment, so that a start need not find out by reading: a file of our own in the
/// root of the store, void as soon as anything shows that another program had the store. Format: docs/format/commit-log.md.
struct StoreEnds {
  bool clean = false;                 ///< Written by a stop that left nothing undone.
  std::int64_t durable_offset = 0;    ///< Everything of records before it was on disk. Queues and index may hold later ones too.
  std::int64_t log_begin = 0;         ///< What the queues' `min_offset` was found with; -1 when it may be too old.
  std::int64_t last_record = -1;      ///< The last record before `durable_offset`; -1 when that is not known.
  std::int64_t store_timestamp = 0;   ///< Of that record.
  std::int64_t lock_modified_ms = 0;  ///< As in `DurableMark`.
  std::int64_t taken_ms = 0;          ///< By the file system's clock: a folder that changed since may hold other files than said here.
  std::int64_t queue_file_size = 0;
  bool with_index = false;  ///< Keys were entered; otherwise nothing is known of the index.
  std::vector<IndexFileState> index;
  std::vector<TopicEnds> topics;
};

using EncodedEnds = std::basic_string<char, std::char_traits<char>, PageAllocator<char>>;
[[nodiscard]] EncodedEnds encode(const StoreEnds& ends);
/// Empty when the bytes are damaged or of another version.
[[nodiscard]] std::optional<StoreEnds> decode_store_ends(std::string_view bytes);

/// The time that files changed now get. Leaves an empty file beside `path`. Errors: those of the disk.
[[nodiscard]] Result<std::int64_t> file_time_now(FileSystem& system, const std::string& path);
/// Replaces the file; durable on return. After an error the old one is still there, or none.
[[nodiscard]] Result<void> save_store_ends(FileSystem& system, const std::string& path, const StoreEnds& ends);
/// Empty when there is no file that can be used; the log says why.
[[nodiscard]] std::optional<StoreEnds> load_store_ends(FileSystem& system, const std::string& path);

}  // namespace skylark::consumequeue
