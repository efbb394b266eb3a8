// SPDX-License-Identifier: Apache-2.0
#include "tools/store/read_only_disk.h"

#include <cerrno>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"

namespace skylark::tools {
namespace {

ErrorCode last_error() {
  if (errno == ENOENT) return Errc::not_found;
  if (errno == EIO) return Errc::io_error;
  return {errno, boost::system::system_category()};
}

class ReadOnlyFile final : public MappedFile {
 public:
  ReadOnlyFile(std::string path, std::int64_t size_bytes, const char* bytes) : path_(std::move(path)), size_(size_bytes), bytes_(bytes) {}
  ~ReadOnlyFile() override { ::munmap(const_cast<char*>(bytes_), static_cast<std::size_t>(size_)); }

  [[nodiscard]] const std::string& path() const noexcept override { return path_; }
  [[nodiscard]] std::int64_t size_bytes() const noexcept override { return size_; }
  void write(std::int64_t, std::string_view) override {}
  [[nodiscard]] std::string_view view(std::int64_t position, std::int64_t size_bytes) const override {
    SKYLARK_ASSERT(position >= 0 && size_bytes >= 0 && position + size_bytes <= size_, "a view behind the end of a file");
    return {bytes_ + position, static_cast<std::size_t>(size_bytes)};
  }
  [[nodiscard]] Result<std::size_t> read_at(std::int64_t position, char* into, std::size_t size_bytes) const override {
    // Opened for each read: a store has more files than a process may have descriptors.
    const int descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return last_error();
    std::size_t got = 0;
    while (got < size_bytes) {
      const ssize_t n = ::pread(descriptor, into + got, size_bytes - got, position + static_cast<std::int64_t>(got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const ErrorCode error = last_error();
        ::close(descriptor);
        return error;
      }
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    ::close(descriptor);
    return got;
  }
  [[nodiscard]] Result<void> allocate(std::int64_t, std::int64_t) override { return {}; }
  [[nodiscard]] Result<void> clear_from(std::int64_t) override { return {}; }
  [[nodiscard]] Result<void> flush() override { return {}; }
  void populate(std::int64_t, std::int64_t) override {}
  void advise_random() override {}

 private:
  const std::string path_;
  const std::int64_t size_;
  const char* const bytes_;
};

class ReadOnlyDisk final : public FileSystem {
 public:
  explicit ReadOnlyDisk(FileSystem& disk) : disk_(disk) {}

  Result<void> create_folders(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string& path) override { return disk_.list(path); }
  bool exists(const std::string& path) override { return disk_.exists(path); }
  bool is_folder(const std::string& path) override { return disk_.is_folder(path); }
  Result<std::int64_t> file_size(const std::string& path) override { return disk_.file_size(path); }
  Result<std::int64_t> modified_ms(const std::string& path) override { return disk_.modified_ms(path); }
  Result<void> remove(const std::string&) override { return {}; }
  Result<void> remove_folder(const std::string&, bool) override { return {}; }
  Result<void> rename(const std::string&, const std::string&) override { return Errc::read_only; }
  Result<std::string> read_all(const std::string& path) override { return disk_.read_all(path); }
  Result<void> write_all(const std::string&, std::string_view, bool) override { return Errc::read_only; }
  Result<std::unique_ptr<MappedFile>> map(const std::string& path, std::int64_t size_bytes, bool) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return last_error();
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || status.st_size != size_bytes || size_bytes <= 0) {
      ::close(descriptor);
      return Errc::malformed;
    }
    void* bytes = ::mmap(nullptr, static_cast<std::size_t>(size_bytes), PROT_READ, MAP_SHARED, descriptor, 0);
    const ErrorCode error = bytes == MAP_FAILED ? last_error() : ErrorCode();
    ::close(descriptor);
    if (error) return error;
    return std::unique_ptr<MappedFile>(std::make_unique<ReadOnlyFile>(path, size_bytes, static_cast<const char*>(bytes)));
  }
  Result<void> truncate(const std::string&, std::int64_t) override { return Errc::read_only; }
  Result<void> sync_folder(const std::string&) override { return {}; }
  Result<void> sync_all(const std::string&) override { return {}; }
  Result<DiskSpace> space(const std::string& path) override { return disk_.space(path); }
  Result<std::shared_ptr<void>> lock(const std::string&, std::string_view) override { return Errc::read_only; }

 private:
  FileSystem& disk_;
};

}  // namespace

std::unique_ptr<FileSystem> make_read_only_disk(FileSystem& disk) { return std::make_unique<ReadOnlyDisk>(disk); }

}  // namespace skylark::tools
