// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "consumequeue/key_index_file.h"
#include "protocol/message.h"
#include "tools/store/store_files.h"

namespace skylark::tools {

/// Compares the key index with the records of the log, shown in order. Its entries stand in the order of the log too, so that one pass over
/// both is enough. Threads: none of its own.
class IndexCheck {
 public:
  /// `unclean`: keys missing at the end are what the next start adds.
  IndexCheck(std::int64_t log_begin, bool unclean, Findings& findings) : log_begin_(log_begin), unclean_(unclean), findings_(findings) {}

  /// Opens the files and checks each by itself: header, chains. Errors: those of the disk.
  [[nodiscard]] Result<void> open(const StoreOptions& options, FileSystem& disk);
  void see(const MessageView& record);
  void finish();
  [[nodiscard]] std::int64_t entry_count() const noexcept { return entry_count_; }

 private:
  struct File {
    std::string place;
    std::unique_ptr<consumequeue::KeyIndexFile> file;
  };
  void check_chains(const File& file, const consumequeue::IndexGeometry& geometry);
  /// The entry at the cursor, turned over to the next file; false behind the last one.
  bool current(consumequeue::KeyIndexFile::Entry& entry);
  void stray(const consumequeue::KeyIndexFile::Entry& entry);

  const std::int64_t log_begin_;
  const bool unclean_;
  Findings& findings_;
  std::vector<File> files_;
  std::size_t file_ = 0;
  std::int32_t number_ = 1;
  std::int64_t entry_count_ = 0;
  bool any_file_ = false;
  std::int64_t missing_ = 0;
  std::int64_t missing_first_ = -1;
  std::int64_t found_last_ = -1;
};

}  // namespace skylark::tools
