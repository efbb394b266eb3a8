// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file_system.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace skylark {
namespace {

struct Disk {
  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  [[nodiscard]] std::string path(const std::string& name) const { return folder.path() + "/" + name; }
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) count += entry.path().empty() ? 0 : 1;
  return count;
}

/// Holds a POSIX record lock on the first byte of a file in a process of its own, as a Java broker does.
class OtherProcess {
 public:
  explicit OtherProcess(const std::string& path) {
    REQUIRE(::pipe(ready_) == 0);
    REQUIRE(::pipe(release_) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) hold(path);
    char byte = 0;
    REQUIRE(::read(ready_[0], &byte, 1) == 1);
    REQUIRE(byte == 'y');
  }
  ~OtherProcess() {
    ::close(release_[1]);
    int status = 0;
    ::waitpid(child_, &status, 0);
    for (const int descriptor : {ready_[0], ready_[1], release_[0]}) ::close(descriptor);
  }

 private:
  [[noreturn]] void hold(const std::string& path) {
    ::close(release_[1]);
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0644);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_len = 1;
    char byte = ::fcntl(file, F_SETLK, &range) == 0 ? 'y' : 'n';
    (void)!::write(ready_[1], &byte, 1);
    (void)!::read(release_[0], &byte, 1);  // Until the other end is closed.
    ::_exit(0);
  }
  int ready_[2]{};
  int release_[2]{};
  pid_t child_ = -1;
};

}  // namespace

TEST_CASE("a mapped file keeps what was written to it", "[base]") {
  Disk disk;
  {
    const auto file = disk.files->map(disk.path("a"), 10'000, true);
    REQUIRE(file.has_value());
    REQUIRE((*file)->allocate(0, 10'000).has_value());
    (*file)->populate(0, 10'000);
    (*file)->advise_random();
    (*file)->write(9'995, "hello");
    CHECK((*file)->view(9'995, 5) == "hello");
    CHECK((*file)->flush().has_value());
    char bytes[8];
    CHECK(*(*file)->read_at(9'995, bytes, 8) == 5);  // Short at the end.
    CHECK(std::string_view(bytes, 5) == "hello");
  }
  CHECK(*disk.files->file_size(disk.path("a")) == 10'000);
  CHECK((*disk.files->map(disk.path("a"), 10'000, false))->view(9'995, 5) == "hello");
  CHECK(disk.files->map(disk.path("a"), 9'999, false).error() == Errc::malformed);
  CHECK(disk.files->map(disk.path("b"), 100, false).error() == Errc::not_found);
}

TEST_CASE("clearing turns the rest of a file into zeros and leaves its beginning alone", "[base]") {
  Disk disk;
  const auto file = disk.files->map(disk.path("a"), 20'000, true);
  REQUIRE(file.has_value());
  REQUIRE((*file)->allocate(0, 20'000).has_value());
  (*file)->write(0, std::string(20'000, 'x'));
  REQUIRE((*file)->clear_from(5'000).has_value());
  CHECK((*file)->view(0, 5'000) == std::string(5'000, 'x'));
  CHECK((*file)->view(5'000, 15'000) == std::string(15'000, '\0'));
  REQUIRE((*file)->allocate(5'000, 15'000).has_value());
  (*file)->write(5'000, "again");
  CHECK((*file)->view(4'999, 6) == "xagain");
}

TEST_CASE("a mapping outlives the removal of its file", "[base]") {
  Disk disk;
  const auto file = disk.files->map(disk.path("a"), 100, true);
  (*file)->write(0, "still here");
  REQUIRE(disk.files->remove(disk.path("a")).has_value());
  CHECK((*file)->view(0, 10) == "still here");
  CHECK_FALSE(disk.files->exists(disk.path("a")));
}

TEST_CASE("files that are written and flushed hold no descriptor", "[base]") {
  Disk disk;
  const std::size_t before = open_descriptors();
  std::vector<std::unique_ptr<MappedFile>> files;
  for (int i = 0; i < 50; ++i) {
    auto file = disk.files->map(disk.path(std::to_string(i)), 4096, true);
    REQUIRE(file.has_value());
    REQUIRE((*file)->allocate(0, 4096).has_value());
    (*file)->write(0, "x");
    REQUIRE((*file)->flush().has_value());
    files.push_back(std::move(*file));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("whole files and folders", "[base]") {
  Disk disk;
  REQUIRE(disk.files->create_folders(disk.path("a/b")).has_value());
  REQUIRE(disk.files->write_all(disk.path("a/two"), "22", true).has_value());
  REQUIRE(disk.files->write_all(disk.path("a/one"), "1", false).has_value());
  REQUIRE(disk.files->write_all(disk.path("a/two"), "2", false).has_value());
  CHECK(*disk.files->read_all(disk.path("a/two")) == "2");
  CHECK(*disk.files->list(disk.path("a")) == std::vector<std::string>{"b", "one", "two"});
  CHECK(disk.files->is_folder(disk.path("a/b")));
  CHECK_FALSE(disk.files->is_folder(disk.path("a/one")));
  REQUIRE(disk.files->rename(disk.path("a/one"), disk.path("a/three")).has_value());
  CHECK(disk.files->read_all(disk.path("a/one")).error() == Errc::not_found);
  CHECK(disk.files->sync_folder(disk.path("a")).has_value());
  CHECK(*disk.files->modified_ms(disk.path("a/three")) > 0);
  CHECK(disk.files->list(disk.path("none")).error() == Errc::not_found);
  CHECK_FALSE(disk.files->remove_folder(disk.path("a"), false).has_value());
  REQUIRE(disk.files->remove_folder(disk.path("a"), true).has_value());
  CHECK_FALSE(disk.files->exists(disk.path("a")));
  const auto space = disk.files->space(disk.folder.path());
  REQUIRE(space.has_value());
  CHECK(space->total_bytes >= space->available_bytes);
  CHECK(space->used_ratio() >= 0);
  CHECK(space->used_ratio() <= 1);
}

TEST_CASE("a lock is held once, within this process too", "[base]") {
  Disk disk;
  auto lock = disk.files->lock(disk.path("lock"), "lock");
  REQUIRE(lock.has_value());
  CHECK(*disk.files->read_all(disk.path("lock")) == "lock");
  CHECK(disk.files->lock(disk.path("lock"), "lock").error() == Errc::already_running);
  lock->reset();
  CHECK(disk.files->lock(disk.path("lock"), "lock").has_value());
}

TEST_CASE("taking a lock again leaves the time of its file alone, so that another writer of it shows", "[base]") {
  Disk disk;
  const std::string path = disk.path("lock");
  REQUIRE(disk.files->lock(path, "lock").has_value());
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  const std::int64_t before = *disk.files->modified_ms(path);
  REQUIRE(disk.files->lock(path, "lock").has_value());
  CHECK(*disk.files->modified_ms(path) == before);
  REQUIRE(disk.files->lock(path, "LOCK").has_value());
  CHECK(*disk.files->modified_ms(path) > before);
}

TEST_CASE("the record lock of another process is respected", "[base]") {
  Disk disk;
  {
    const OtherProcess java(disk.path("lock"));
    CHECK(disk.files->lock(disk.path("lock"), "lock").error() == Errc::already_running);
  }
  CHECK(disk.files->lock(disk.path("lock"), "lock").has_value());
}

TEST_CASE("a mapped file says which part of it is in memory", "[base][files]") {
  Disk disk;
  const auto file = disk.files->map(disk.path("f"), 4 << 20, true);
  REQUIRE(file.has_value());
  (*file)->advise_random();
  constexpr std::int64_t kPage = 4096;
  CHECK_FALSE((*file)->resident(0, kPage));
  CHECK((*file)->view(10 * kPage, 1) == std::string_view("\0", 1));
  CHECK((*file)->resident(10 * kPage + 5, 100));
  CHECK_FALSE((*file)->resident(10 * kPage, 2'000 * kPage));
  CHECK_FALSE((*file)->resident(11 * kPage - 1, 2));
}

}  // namespace skylark
