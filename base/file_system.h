// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skylark {

/// One file of fixed size, mapped. No raw writable pointer leaves it, so that a faulty one can keep a live and a durable image.
/// Threads: one writer; readers anywhere below what the writer has published.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  [[nodiscard]] virtual const std::string& path() const noexcept = 0;
  [[nodiscard]] virtual std::int64_t size_bytes() const noexcept = 0;
  /// Copies into the mapping. The range must lie within the file and have been allocated.
  virtual void write(std::int64_t position, std::string_view bytes) = 0;
  /// The mapped bytes; valid for the life of the object.
  [[nodiscard]] virtual std::string_view view(std::int64_t position, std::int64_t size_bytes) const = 0;
  /// `pread`: an error of the disk is an error here, where it would be a SIGBUS through the mapping. Short only at the end.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::int64_t position, char* into, std::size_t size_bytes) const = 0;
  /// Really allocates that range, so that no later write to it can run out of space. What is there stays. Errors: `no_space`, `io_error`.
  [[nodiscard]] virtual Result<void> allocate(std::int64_t position, std::int64_t size_bytes) = 0;
  /// Turns everything from `position` to the end into zeros and may give its space back: `allocate` before the next write there.
  [[nodiscard]] virtual Result<void> clear_from(std::int64_t position) = 0;
  /// Makes everything written before the call durable, as `fdatasync`. Errors: `io_error`, final for this file.
  [[nodiscard]] virtual Result<void> flush() = 0;
  /// Faults pages in ahead of their use; a hint.
  virtual void populate(std::int64_t position, std::int64_t size_bytes) = 0;
  virtual void advise_random() = 0;
  /// Whether a view of that range would wait for no disk now; true where nobody can tell.
  [[nodiscard]] virtual bool resident(std::int64_t, std::int64_t) const { return true; }
};

struct DiskSpace {
  std::int64_t total_bytes = 0;  ///< Used and available ones; what is reserved for the super user counts as neither.
  std::int64_t available_bytes = 0;
  [[nodiscard]] double used_ratio() const noexcept {
    return total_bytes <= 0 ? 0.0 : 1.0 - static_cast<double>(available_bytes) / static_cast<double>(total_bytes);
  }
};

/// The one seam for all files of a store: the real disk, or a faulty one in tests. Paths are absolute or relative to the process.
/// Errors everywhere: `not_found`, `no_space`, `io_error`, or what the system said.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<void> create_folders(const std::string& path) = 0;
  /// Names (not paths) of the entries, sorted; `not_found` when there is no such folder.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual bool is_folder(const std::string& path) = 0;
  virtual Result<std::int64_t> file_size(const std::string& path) = 0;
  /// Time of the last change of the content, Unix milliseconds; of a folder: when an entry was last added, removed or renamed.
  virtual Result<std::int64_t> modified_ms(const std::string& path) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  /// Removes an empty folder, or a tree with `recursive`.
  virtual Result<void> remove_folder(const std::string& path, bool recursive) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<std::string> read_all(const std::string& path) = 0;
  /// Replaces the content, and makes it durable when `durable`.
  virtual Result<void> write_all(const std::string& path, std::string_view content, bool durable) = 0;
  /// Opens a file of exactly that size; with `create`, makes it (sparse) when it is not there. The creation is durable only after
  /// `sync_folder`.
  virtual Result<std::unique_ptr<MappedFile>> map(const std::string& path, std::int64_t size_bytes, bool create) = 0;
  /// Cuts or extends a file that is not mapped.
  virtual Result<void> truncate(const std::string& path, std::int64_t size_bytes) = 0;
  virtual Result<void> sync_folder(const std::string& path) = 0;
  /// Makes everything on the file system that holds `path` durable.
  virtual Result<void> sync_all(const std::string& path) = 0;
  virtual Result<DiskSpace> space(const std::string& path) = 0;
  /// POSIX record lock on byte 0 for the life of the returned object, so that Java's lock and ours exclude each other. A file that holds
  /// `content` already is not written, and keeps the time of its last change. Errors: `already_running`.
  virtual Result<std::shared_ptr<void>> lock(const std::string& path, std::string_view content) = 0;
};

/// The disk of this machine. Threads: any.
[[nodiscard]] std::unique_ptr<FileSystem> make_disk_file_system();

}  // namespace skylark
