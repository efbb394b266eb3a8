// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/file_system.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace skylark {
namespace {

ErrorCode from_errno(int number) noexcept {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return Errc::not_found;
    case ENOSPC:
    case EDQUOT: return Errc::no_space;
    case EIO: return Errc::io_error;
    default: return {number, boost::system::system_category()};
  }
}
ErrorCode last_error() noexcept { return from_errno(errno); }

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] bool open() const noexcept { return number_ >= 0; }
  /// To who closes it from then on.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

Descriptor open_file(const std::string& path, int flags) { return Descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0644)); }

Result<void> write_whole(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// Only a file that was read by `read_at` keeps a descriptor: one that is written, viewed and flushed, like that of a consume queue, holds
/// a mapping and nothing else.
class DiskMappedFile final : public MappedFile {
 public:
  DiskMappedFile(std::string path, char* bytes, std::int64_t size_bytes) : path_(std::move(path)), bytes_(bytes), size_(size_bytes) {}
  DiskMappedFile(const DiskMappedFile&) = delete;
  DiskMappedFile& operator=(const DiskMappedFile&) = delete;
  ~DiskMappedFile() override {
    ::munmap(bytes_, static_cast<std::size_t>(size_));
    const Descriptor closed(descriptor_);
  }

  const std::string& path() const noexcept override { return path_; }
  std::int64_t size_bytes() const noexcept override { return size_; }

  void write(std::int64_t position, std::string_view bytes) override {
    SKYLARK_ASSERT(contains(position, static_cast<std::int64_t>(bytes.size())), "write outside of a mapped file");
    std::memcpy(bytes_ + position, bytes.data(), bytes.size());
  }

  std::string_view view(std::int64_t position, std::int64_t size_bytes) const override {
    SKYLARK_ASSERT(contains(position, size_bytes), "view outside of a mapped file");
    return {bytes_ + position, static_cast<std::size_t>(size_bytes)};
  }

  Result<std::size_t> read_at(std::int64_t position, char* into, std::size_t size_bytes) const override {
    const Result<int> descriptor = descriptor_for_io();
    if (!descriptor) return descriptor.error();
    std::size_t done = 0;
    while (done < size_bytes) {
      const ssize_t got = ::pread(*descriptor, into + done, size_bytes - done, position + static_cast<std::int64_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return last_error();
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<void> allocate(std::int64_t position, std::int64_t size_bytes) override {
    if (size_bytes <= 0) return {};
    const Result<Descriptor> descriptor = fresh_descriptor();
    if (!descriptor) return descriptor.error();
    if (::fallocate(descriptor->get(), FALLOC_FL_KEEP_SIZE, position, size_bytes) == 0) return {};
    if (errno == EOPNOTSUPP) return {};  // Nothing better to be had on such a file system.
    return last_error();
  }

  Result<void> clear_from(std::int64_t position) override {
    if (position >= size_) return {};
    const Result<Descriptor> descriptor = fresh_descriptor();
    if (!descriptor) return descriptor.error();
    if (::fallocate(descriptor->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, size_ - position) == 0) return {};
    if (errno != EOPNOTSUPP) return last_error();
    // Without holes: only pages that hold something are written, so that sparse ones stay sparse.
    constexpr std::int64_t kPage = 4096;
    for (std::int64_t at = position; at < size_;) {
      const std::int64_t end = std::min(size_, (at / kPage + 1) * kPage);
      if (std::any_of(bytes_ + at, bytes_ + end, [](char byte) { return byte != 0; }))
        std::memset(bytes_ + at, 0, static_cast<std::size_t>(end - at));
      at = end;
    }
    return {};
  }

  /// Without a descriptor: tens of thousands of queues that are flushed now and then hold none, and the one file of the log that is flushed
  /// with every message need not be opened each time.
  Result<void> flush() override {
    if (::msync(bytes_, static_cast<std::size_t>(size_), MS_SYNC) != 0) return last_error();
    return {};
  }

  void populate(std::int64_t position, std::int64_t size_bytes) override {
    constexpr std::int64_t kPage = 4096;
    const std::int64_t begin = position / kPage * kPage;
    const std::int64_t end = std::min(position + size_bytes, size_);
    if (begin >= end) return;
    const auto length = static_cast<std::size_t>(end - begin);
    if (::madvise(bytes_ + begin, length, MADV_POPULATE_WRITE) != 0) ::madvise(bytes_ + begin, length, MADV_WILLNEED);
  }

  void advise_random() override { ::madvise(bytes_, static_cast<std::size_t>(size_), MADV_RANDOM); }

  bool resident(std::int64_t position, std::int64_t size_bytes) const override {
    constexpr std::int64_t kPage = 4096;
    constexpr std::int64_t kPagesPerCall = 256;
    std::array<unsigned char, kPagesPerCall> pages{};
    const std::int64_t end = std::min(position + size_bytes, size_);
    for (std::int64_t at = position / kPage * kPage; at < end; at += kPagesPerCall * kPage) {
      const std::int64_t length = std::min(end - at, kPagesPerCall * kPage);
      if (::mincore(bytes_ + at, static_cast<std::size_t>(length), pages.data()) != 0) return true;
      const auto count = static_cast<std::size_t>((length + kPage - 1) / kPage);
      if (!std::all_of(pages.begin(), pages.begin() + count, [](unsigned char page) { return (page & 1) != 0; })) return false;
    }
    return true;
  }

 private:
  bool contains(std::int64_t position, std::int64_t size_bytes) const noexcept {
    return position >= 0 && size_bytes >= 0 && position <= size_ && size_bytes <= size_ - position;
  }
  Result<int> descriptor_for_io() const {
    int kept = descriptor_.load();
    if (kept >= 0) return kept;
    Descriptor opened = open_file(path_, O_RDWR);
    if (!opened.open()) return last_error();
    return descriptor_.compare_exchange_strong(kept, opened.get()) ? opened.release() : kept;
  }
  Result<Descriptor> fresh_descriptor() const {
    Descriptor descriptor = open_file(path_, O_RDWR);
    if (!descriptor.open()) return last_error();
    return descriptor;
  }

  const std::string path_;
  char* const bytes_;
  const std::int64_t size_;
  mutable std::atomic<int> descriptor_{-1};
};

/// Holds the record lock of its descriptor until it dies.
struct FileLock {
  Descriptor descriptor;
};

class DiskFileSystem final : public FileSystem {
 public:
  Result<void> create_folders(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return from_errno(error.value());
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    std::error_code error;
    std::filesystem::directory_iterator entries(path, error);
    if (error) return from_errno(error.value());
    std::vector<std::string> names;
    for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
      names.push_back(entries->path().filename().string());
      if (error) break;
    }
    if (error) return from_errno(error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  bool is_folder(const std::string& path) override {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
  }

  Result<std::int64_t> file_size(const std::string& path) override {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return last_error();
    return static_cast<std::int64_t>(found.st_size);
  }

  Result<std::int64_t> modified_ms(const std::string& path) override {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return last_error();
    return static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1000 + found.st_mtim.tv_nsec / 1'000'000;
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return last_error();
    return {};
  }

  Result<void> remove_folder(const std::string& path, bool recursive) override {
    if (!recursive) {
      if (::rmdir(path.c_str()) != 0) return last_error();
      return {};
    }
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return from_errno(error.value());
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return last_error();
    return {};
  }

  Result<std::string> read_all(const std::string& path) override {
    const Descriptor file = open_file(path, O_RDONLY);
    if (!file.open()) return last_error();
    std::string content;
    char buffer[16 * 1024];
    for (;;) {
      const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return last_error();
      if (got == 0) return content;
      content.append(buffer, static_cast<std::size_t>(got));
    }
  }

  Result<void> write_all(const std::string& path, std::string_view content, bool durable) override {
    const Descriptor file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.open()) return last_error();
    const Result<void> written = write_whole(file.get(), content);
    if (!written) return written;
    if (durable && ::fsync(file.get()) != 0) return last_error();
    return {};
  }

  Result<std::unique_ptr<MappedFile>> map(const std::string& path, std::int64_t size_bytes, bool create) override {
    if (size_bytes <= 0) return Errc::invalid_argument;
    const Descriptor file = open_file(path, create ? O_RDWR | O_CREAT : O_RDWR);
    if (!file.open()) return last_error();
    struct stat found {};
    if (::fstat(file.get(), &found) != 0) return last_error();
    if (found.st_size != size_bytes) {
      if (!create || found.st_size != 0) return Errc::malformed;
      if (::ftruncate(file.get(), size_bytes) != 0) return last_error();
    }
    void* bytes = ::mmap(nullptr, static_cast<std::size_t>(size_bytes), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (bytes == MAP_FAILED) return last_error();
    return std::unique_ptr<MappedFile>(std::make_unique<DiskMappedFile>(path, static_cast<char*>(bytes), size_bytes));
  }

  Result<void> truncate(const std::string& path, std::int64_t size_bytes) override {
    if (::truncate(path.c_str(), size_bytes) != 0) return last_error();
    return {};
  }

  Result<void> sync_folder(const std::string& path) override {
    const Descriptor folder = open_file(path, O_RDONLY | O_DIRECTORY);
    if (!folder.open()) return last_error();
    if (::fsync(folder.get()) != 0 && errno != EINVAL) return last_error();  // EINVAL: this file system cannot.
    return {};
  }

  Result<void> sync_all(const std::string& path) override {
    const Descriptor folder = open_file(path, O_RDONLY);
    if (!folder.open()) return last_error();
    if (::syncfs(folder.get()) != 0) return last_error();
    return {};
  }

  Result<DiskSpace> space(const std::string& path) override {
    struct statvfs found {};
    if (::statvfs(path.c_str(), &found) != 0) return last_error();
    const auto block = static_cast<std::int64_t>(found.f_frsize);
    const std::int64_t available = static_cast<std::int64_t>(found.f_bavail) * block;
    const std::int64_t used = static_cast<std::int64_t>(found.f_blocks - found.f_bfree) * block;
    return DiskSpace{.total_bytes = used + available, .available_bytes = available};
  }

  Result<std::shared_ptr<void>> lock(const std::string& path, std::string_view content) override {
    Descriptor file = open_file(path, O_RDWR | O_CREAT);
    if (!file.open()) return last_error();
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = 0;
    range.l_len = 1;
    // Bound to the open file, so that two stores within one process exclude each other too, and Java's POSIX lock is respected.
    if (::fcntl(file.get(), F_OFD_SETLK, &range) != 0) {
      if (errno == EAGAIN || errno == EACCES) return Errc::already_running;
      return last_error();
    }
    std::string found(content.size(), '\0');
    const ssize_t got = ::pread(file.get(), found.data(), found.size(), 0);
    if (got != static_cast<ssize_t>(found.size()) || found != content) {
      if (::pwrite(file.get(), content.data(), content.size(), 0) < 0) return last_error();
    }
    return std::shared_ptr<void>(std::make_shared<FileLock>(FileLock{std::move(file)}));
  }
};

}  // namespace

std::unique_ptr<FileSystem> make_disk_file_system() { return std::make_unique<DiskFileSystem>(); }

}  // namespace skylark
