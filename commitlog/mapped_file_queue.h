// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "commitlog/file_folders.h"

namespace skylark::commitlog {

/// Name of the file that begins at that byte: 20 decimal digits.
[[nodiscard]] std::string mapped_file_name(std::int64_t base);

/// An ordered row of equally long files that are addressed as one range of bytes; each file is named after the byte it begins with.
/// It knows files, not their content: where the valid bytes end is its owner's affair.
///
/// The files may lie in several folders, which together are one row; a name stands in one of them alone.
/// Files are mapped when first used. Whoever got one keeps it alive: removing a file unlinks it at once and unmaps it with the last user.
/// Threads: any. Source: MappedFileQueue.java 5.3.
class MappedFileQueue {
 public:
  struct File {
    std::int64_t base = 0;
    std::shared_ptr<MappedFile> mapped;
    std::uint32_t folder = 0;  ///< Number among `folders()`.
    [[nodiscard]] std::int64_t end() const noexcept { return base + mapped->size_bytes(); }
  };

  MappedFileQueue(FileSystem& files, std::string folder, std::int64_t file_size);
  /// `folders.writable` has at least one.
  MappedFileQueue(FileSystem& files, FileFolders folders, std::int64_t file_size);

  /// For a queue among many: its mappings are counted there while they live, and pages are read one by one, since reading ahead in
  /// a file that is mostly a hole costs milliseconds. Call before the first use.
  void share(std::shared_ptr<std::atomic<std::int64_t>> mapped_files);

  /// Reads the folders; one that does not exist is empty. A last file of length zero is removed.
  /// When the files have one common length other than the configured one, theirs counts from now on; see `file_size`.
  /// Errors: `malformed` for files of different lengths and for a name in two folders, and those of the file system.
  [[nodiscard]] Result<void> load();

  /// In place of `load`, for who knows what is there: `count` files of `file_size()` bytes from `first_base` on. Nothing is read; a file
  /// that is not there, or has another length, is an error of its first use.
  void assume(std::int64_t first_base, std::int32_t count);

  /// The first one, which stands for all of them in messages.
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  /// Those that may get new files, then those that are only read.
  [[nodiscard]] std::vector<std::string> folders() const;
  [[nodiscard]] std::size_t writable_folders() const noexcept { return more_ ? more_->writable : 1; }
  [[nodiscard]] std::int64_t file_size() const noexcept { return file_size_; }
  [[nodiscard]] bool empty() const;
  /// First byte of the first file; -1 without files.
  [[nodiscard]] std::int64_t begin() const;
  /// Byte behind the last file; 0 without files.
  [[nodiscard]] std::int64_t end() const;
  [[nodiscard]] std::vector<std::int64_t> bases() const;
  [[nodiscard]] std::size_t count() const;

  /// The file that holds that byte. Errors: `out_of_range`, and those of mapping it.
  [[nodiscard]] Result<File> find(std::int64_t offset) const;
  /// Path of the file that begins there; of a file that is not in the row, in the first folder.
  [[nodiscard]] std::string path_of(std::int64_t base) const;

  /// Folders that have little room get new files only when the others cannot take them. By their numbers, one item a writable folder.
  void set_crowded(std::vector<bool> crowded);
  /// Numbers of the folders that a new file may go to, best first: in turn by its place in the row, as Java counts, so that disks fill
  /// alike.
  [[nodiscard]] std::vector<std::uint32_t> places_for(std::int64_t base) const;
  /// Creates and maps a file (sparse) without adding it. `base` is a multiple of the file size.
  [[nodiscard]] Result<std::shared_ptr<MappedFile>> create(std::int64_t base, std::uint32_t folder = 0);
  /// Adds a file that begins where the last one ends, or the first one.
  void add(std::int64_t base, std::shared_ptr<MappedFile> file);

  /// Removes the files that begin at or behind that byte.
  [[nodiscard]] Result<void> remove_from(std::int64_t offset);
  /// Removes the first file.
  [[nodiscard]] Result<void> remove_first();
  /// Drops the mappings that nobody else holds; they come back with their next use.
  void unmap();
  /// Number of files that are mapped now.
  [[nodiscard]] std::size_t mapped_count() const;

 private:
  [[nodiscard]] std::shared_ptr<MappedFile> adopt(std::unique_ptr<MappedFile> file) const;
  struct Found {
    std::int64_t base = 0;
    std::int64_t size = 0;
    std::uint32_t folder = 0;
  };
  /// What a row in one folder does without: there may be a hundred thousand of them.
  struct MoreFolders {
    std::vector<std::string> folders;  // Numbers 1 and up. Never changes.
    std::size_t writable = 1;          // Of all folders.
    std::vector<bool> crowded{};       // Empty: none is.
  };
  [[nodiscard]] const std::string& folder(std::uint32_t number) const { return number == 0 ? folder_ : more_->folders[number - 1]; }
  [[nodiscard]] std::uint32_t folder_count() const noexcept { return more_ ? static_cast<std::uint32_t>(more_->folders.size()) + 1 : 1; }
  [[nodiscard]] std::string path_in(std::uint32_t folder, std::int64_t base) const;
  [[nodiscard]] Result<void> list_folder(std::uint32_t folder, std::vector<Found>& found) const;
  [[nodiscard]] Result<void> check_found(const std::vector<Found>& found) const;

  FileSystem& system_;
  const std::string folder_;
  std::unique_ptr<MoreFolders> more_;  // Null: none.
  std::int64_t file_size_;
  std::shared_ptr<std::atomic<std::int64_t>> mapped_files_;  // Null: not shared.
  mutable std::mutex mutex_;
  mutable std::vector<File> files_;  // Ascending; a gap is possible in a damaged store.
};

}  // namespace skylark::commitlog
