// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"

namespace skylark {

/// A disk in memory that fails on demand. It keeps a live image, what programs see, and a durable one, what a power cut leaves.
///
/// Content becomes durable by `flush`, `sync_all` or a durable `write_all`; names (creations, removals, renames) by `sync_folder` of their
/// folder or `sync_all`. Until then a power cut keeps any subset of the changed pages, and of the changed names of a folder any prefix in
/// time, by seed. Writing where nothing was allocated aborts the test: on a full disk it would have been a SIGBUS. Threads: as the contract
/// of `FileSystem` asks.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(Clock& clock);
  ~FaultyFileSystem() override;

  /// A new disk with what this one would hold after a power cut now. This one goes on, for programs that still use it.
  [[nodiscard]] std::unique_ptr<FaultyFileSystem> after_power_cut(std::uint64_t seed) const;
  /// A new disk with the live image: what a killed process leaves.
  [[nodiscard]] std::unique_ptr<FaultyFileSystem> after_kill() const;

  void refuse_space(bool refuse);
  /// Only for paths that contain the text; empty for none.
  void refuse_space_of(std::string text);
  /// Flushes of files whose path contains the text fail from now on; empty for none.
  void fail_flushes_of(std::string text);
  void fail_reads_of(std::string text);
  /// Mapped files whose path contains the text are not in memory from now on; empty for none.
  void evict(std::string text);
  void set_space(DiskSpace space);
  /// Of a disk of its own for the paths that begin with this one.
  void set_space_of(const std::string& path, DiskSpace space);
  /// Allocations in paths that contain the text wait from now on, like those of a disk that does not answer, until it is empty again.
  void hold_allocations_of(std::string text);
  /// Allocations that wait now.
  [[nodiscard]] int held_allocations() const;
  /// Flushes of mapped files wait from now on until `release_flushes`.
  void hold_flushes();
  void release_flushes();
  /// Flushes that wait now.
  [[nodiscard]] int held_flushes() const;
  /// Folders listed since the last call whose path contains the text.
  [[nodiscard]] std::size_t take_listed(const std::string& text);
  void set_modified_ms(const std::string& path, std::int64_t time_ms);
  /// Replaces bytes in both images, behind the back of whoever has the file mapped.
  void damage(const std::string& path, std::size_t position, std::string_view bytes);

  Result<void> create_folders(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override;
  bool is_folder(const std::string& path) override;
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
  Result<DiskSpace> space(const std::string& path) override;
  Result<std::shared_ptr<void>> lock(const std::string& path, std::string_view content) override;

  struct Inode;

 private:
  class File;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  /// A name that appeared, changed what it stands for, or went away (null).
  struct NameChange {
    std::string path;
    std::shared_ptr<Inode> inode;
  };

  void touch(const std::string& folder);
  void change_name(const std::string& path, std::shared_ptr<Inode> inode);
  [[nodiscard]] std::shared_ptr<Inode> find(const std::string& path) const;
  [[nodiscard]] bool matches(const std::string& path, const std::string& text) const {
    return !text.empty() && path.find(text) != std::string::npos;
  }
  [[nodiscard]] bool refuses(const std::string& path) const { return refuse_space_ || matches(path, refuse_space_of_); }
  Result<void> wait_and_flush(const std::string& path, Inode& inode);

  Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable released_;
  Names live_;
  Names durable_;
  std::vector<NameChange> pending_;              // In time order; committed folder by folder.
  std::map<std::string, std::int64_t> folders_;  // With the time of their last change.
  std::map<std::string, std::weak_ptr<void>> locks_;
  DiskSpace space_{.total_bytes = 1'000'000'000, .available_bytes = 900'000'000};
  std::map<std::string, DiskSpace> spaces_;
  bool refuse_space_ = false;
  std::string refuse_space_of_;
  std::vector<std::string> listed_;
  std::string fail_flushes_of_;
  std::string fail_reads_of_;
  std::string evicted_;
  std::string hold_allocations_of_;
  int held_allocations_ = 0;
  bool hold_ = false;
  int held_ = 0;
};

}  // namespace skylark
