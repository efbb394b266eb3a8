// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>

#include "base/file_system.h"

namespace skylark {

/// Which calls fail, and how.
enum class Failure {
  no_space,     ///< Whatever may take space: folders, files, allocations, renames, the content of a file.
  io_error,     ///< Whatever touches the disk, reading and writing.
  flush,        ///< Every way of making something durable.
  short_write,  ///< A file is half written, then there is no space.
  short_read,   ///< A read gives half of what was asked for.
};

/// Passes everything on to another file system, but lets calls fail by their number. Threads: any; the numbers then depend on the race.
class FailingFileSystem final : public FileSystem {
 public:
  explicit FailingFileSystem(FileSystem& below) : below_(below) {}

  /// From now on calls that `failure` can hit are numbered from 0; those from `first` on fail, `count` of them.
  void fail(Failure failure, std::int64_t first, std::int64_t count = std::numeric_limits<std::int64_t>::max());
  /// Calls counted so far.
  [[nodiscard]] std::int64_t calls() const;
  /// And those of them that failed.
  [[nodiscard]] std::int64_t failed_calls() const;

  Result<void> create_folders(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override { return below_.exists(path); }
  bool is_folder(const std::string& path) override { return below_.is_folder(path); }
  Result<std::int64_t> file_size(const std::string& path) override;
  Result<std::int64_t> modified_ms(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_folder(const std::string& path, bool recursive) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<std::string> read_all(const std::string& path) override;
  Result<void> write_all(const std::string& path, std::string_view content, bool durable) override;
  Result<std::unique_ptr<MappedFile>> map(const std::string& path, std::int64_t size_bytes, bool create) override;
  Result<void> truncate(const std::string& path, std::int64_t size_bytes) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<void> sync_all(const std::string& path) override;
  Result<DiskSpace> space(const std::string& path) override { return below_.space(path); }
  Result<std::shared_ptr<void>> lock(const std::string& path, std::string_view content) override;

 private:
  class File;
  /// Bits of what a call does.
  enum Does : unsigned { kTakesSpace = 1, kTouchesDisk = 2, kMakesDurable = 4, kWritesContent = 8, kReadsContent = 16 };
  /// Counts the call when it is of the kind; true when it is to fail.
  [[nodiscard]] bool hits(unsigned does);
  /// The error of such a call, if it is to fail wholly.
  [[nodiscard]] Result<void> pass(unsigned does);

  FileSystem& below_;
  mutable std::mutex mutex_;
  Failure failure_ = Failure::io_error;
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t count_ = 0;
  std::int64_t calls_ = 0;
  std::int64_t failed_calls_ = 0;
};

}  // namespace skylark
