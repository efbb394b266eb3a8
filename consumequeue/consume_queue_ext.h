// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "commitlog/mapped_file_queue.h"

namespace skylark::consumequeue {

/// What a queue keeps of a message beside its unit.
struct QueueExtension {
  std::int64_t tags_code = 0;
  std::int64_t store_timestamp = 0;
  std::string bit_map;  ///< Of the filters that want the message; may be empty.
};

/// Extensions of one simple queue, one behind the other in files of one size; the tags code of a unit is the address of its extension. All
/// of it can be made again from the commit log.
///
/// Nothing tells where the extensions end but the queue: the last one is that of the last unit with an address. So the end is found anew
/// before the first append and after each cut of the queue.
/// Life:    the folder is read with the first use, so that queues that rest cost nothing at the start.
/// Threads: none of its own: the queue calls it under its mutex.
/// Source:  ConsumeQueueExt.java 5.3; docs/format/commit-log.md.
class ConsumeQueueExt {
 public:
  ConsumeQueueExt(FileSystem& system, std::string folder, std::int64_t file_size);

  /// Whether a unit's tags code is an address: no hash of tags and no time is that small.
  [[nodiscard]] static constexpr bool is_address(std::int64_t tags_code) noexcept { return tags_code <= kAddressMax; }

  /// See `MappedFileQueue::share`. Call before the first use.
  void share(std::shared_ptr<std::atomic<std::int64_t>> mapped_files) { files_.share(std::move(mapped_files)); }
  /// True when `append` needs `open` before.
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  /// Ends behind the extension at that address (`nullopt`: the queue has none), and turns what lies behind it into zeros.
  [[nodiscard]] Result<void> open_behind(std::optional<std::int64_t> last_address);
  /// The queue was cut: the end is no longer known.
  void close() noexcept { open_ = false; }
  /// Its address. Errors: `too_large`, `no_space`, `io_error`; nothing was added.
  [[nodiscard]] Result<std::int64_t> append(std::int64_t tags_code, std::int64_t store_timestamp, std::string_view bit_map);
  /// Empty when there is none at that address.
  [[nodiscard]] std::optional<QueueExtension> read(std::int64_t address) const;
  /// Whether the extension at that address is that of such a message.
  [[nodiscard]] bool is_of(std::int64_t address, std::int64_t tags_code, std::int64_t store_timestamp) const;
  /// The address that comes behind that one (`nullopt`: the first one), when the extension there is that of such a message.
  [[nodiscard]] std::optional<std::int64_t> address_behind(std::optional<std::int64_t> address, std::int64_t tags_code,
                                                           std::int64_t store_timestamp) const;

  /// Removes the files that end before that address.
  void expire(std::int64_t first_address);
  /// Adds the files that hold what is not known to be durable, for somebody who flushes them.
  void take_dirty(std::vector<std::shared_ptr<MappedFile>>& files);
  void unmap() { files_.unmap(); }
  /// Removes all files and the folder.
  [[nodiscard]] Result<void> destroy();

 private:
  static constexpr std::int64_t kAddressMax = INT64_C(-2147483649);  // ConsumeQueueExt.MAX_ADDR.
  [[nodiscard]] Result<void> load() const;
  [[nodiscard]] Result<void> make_room(std::int64_t size);
  [[nodiscard]] Result<void> allocate(std::int64_t size);

  FileSystem& system_;
  mutable commitlog::MappedFileQueue files_;
  mutable bool loaded_ = false;
  bool open_ = false;
  std::int64_t end_ = 0;        // Byte behind the last extension.
  std::int64_t allocated_ = 0;  // Byte up to which the last file is allocated.
  std::int64_t dirty_from_ = -1;
};

}  // namespace skylark::consumequeue
