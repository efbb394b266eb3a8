// SPDX-License-Identifier: Apache-2.0
// What lies around the log: its row of files, the scan for its end, the checkpoint, and what may be removed when.
#include <ctime>

#include "base/bytes.h"
#include "base/error.h"
#include "commitlog/checkpoint.h"
#include "commitlog/retention.h"
#include "tests/unit/commitlog/log_fixture.h"

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr const char* kFirstFile = "/log/00000000000000000000";

void write_file(FaultyFileSystem& disk, const std::string& path, std::size_t size) {
  REQUIRE(disk.create_folders(path.substr(0, path.rfind('/'))).has_value());
  REQUIRE(disk.write_all(path, std::string(size, '\0'), false).has_value());
}

}  // namespace

TEST_CASE("files are named after the byte they begin with", "[commitlog]") {
  CHECK(mapped_file_name(0) == "00000000000000000000");
  CHECK(mapped_file_name(1'073'741'824) == "00000000001073741824");
}

TEST_CASE("a row of files takes their common size and refuses mixed ones", "[commitlog]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  write_file(disk, "/q/00000000000000000000", 100);
  write_file(disk, "/q/00000000000000000100", 100);
  MappedFileQueue files(disk, "/q", 4096);
  SECTION("the size of the files counts") {
    REQUIRE(files.load().has_value());
    CHECK(files.file_size() == 100);
    CHECK(files.begin() == 0);
    CHECK(files.end() == 200);
    CHECK(files.find(150)->base == 100);
    CHECK(files.find(200).error() == Errc::out_of_range);
  }
  SECTION("an empty last file is removed") {
    write_file(disk, "/q/00000000000000000200", 0);
    REQUIRE(files.load().has_value());
    CHECK(files.end() == 200);
    CHECK_FALSE(disk.exists("/q/00000000000000000200"));
  }
  SECTION("another size is damage") {
    write_file(disk, "/q/00000000000000000200", 60);
    CHECK(files.load().error() == Errc::malformed);
  }
  SECTION("other names and folders are left alone") {
    write_file(disk, "/q/notes.txt", 3);
    write_file(disk, "/q/lost+found/x", 3);
    REQUIRE(files.load().has_value());
    CHECK(files.end() == 200);
  }
}

TEST_CASE("a folder that is not there is an empty row", "[commitlog]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  MappedFileQueue files(disk, "/none", 4096);
  REQUIRE(files.load().has_value());
  CHECK(files.empty());
  CHECK(files.begin() == -1);
  CHECK(files.end() == 0);
}

TEST_CASE("the scan ends at the first record that is none", "[commitlog]") {
  LogFixture log;
  REQUIRE(log.append("Orders", 0, {"first"}).has_value());
  const auto second = log.append("Orders", 0, {"second"});
  const auto third = log.append("Orders", 0, {"third"});
  REQUIRE(third.has_value());
  const auto at = static_cast<std::size_t>(second->begin);
  SECTION("by its magic") { log.disk().damage(kFirstFile, at + record_at::kMagic, "abcd"); }
  SECTION("by its size") { log.disk().damage(kFirstFile, at, std::string("\x7f\xff\xff\xff", 4)); }
  SECTION("by a negative size") { log.disk().damage(kFirstFile, at, std::string("\xff\xff\xff\xff", 4)); }
  SECTION("by a size of nothing") { log.disk().damage(kFirstFile, at, std::string(4, '\0')); }
  SECTION("by its checksum") { log.disk().damage(kFirstFile, static_cast<std::size_t>(second->end) - 12, "x"); }
  SECTION("by the offset it claims") { log.disk().damage(kFirstFile, at + record_at::kPhysicalOffset, std::string(8, '\0')); }
  log.kill();
  CHECK(log->end() == second->begin);
  CHECK(log.bodies() == std::vector<std::string>{"first"});
}

TEST_CASE("the checkpoint keeps Java's bytes", "[commitlog]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  REQUIRE(disk.create_folders("/store").has_value());
  {
    Checkpoint checkpoint(disk, "/store/checkpoint");
    REQUIRE(checkpoint.open().has_value());
    CHECK(checkpoint.values().log_timestamp == 0);
    checkpoint.update([](CheckpointValues& values) { values = {1'700'000'000'001, 1'700'000'000'002, 1'700'000'000'003, 4, 5}; });
    REQUIRE(checkpoint.flush().has_value());
  }
  const auto content = disk.read_all("/store/checkpoint");
  REQUIRE(content.has_value());
  REQUIRE(content->size() == 4096);
  CHECK(load_be<std::int64_t>(content->data()) == 1'700'000'000'001);
  CHECK(load_be<std::int64_t>(content->data() + 8) == 1'700'000'000'002);
  CHECK(load_be<std::int64_t>(content->data() + 16) == 1'700'000'000'003);
  CHECK(load_be<std::int64_t>(content->data() + 24) == 4);
  CHECK(load_be<std::int64_t>(content->data() + 32) == 5);
  Checkpoint again(disk, "/store/checkpoint");
  REQUIRE(again.open().has_value());
  CHECK(again.values().queues_timestamp == 1'700'000'000'002);
}

TEST_CASE("a durable mark holds until another program changes a value of the checkpoint", "[commitlog]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  REQUIRE(disk.create_folders("/store").has_value());
  {
    Checkpoint checkpoint(disk, "/store/checkpoint");
    REQUIRE(checkpoint.open().has_value());
    CHECK_FALSE(checkpoint.durable().has_value());
    checkpoint.update([](CheckpointValues& values) { values = {1'700'000'000'001, 1'700'000'000'002, 1'700'000'000'003, 4, 5}; });
    checkpoint.set_durable(DurableMark{.offset = 123'456, .lock_modified_ms = 77});
    REQUIRE(checkpoint.flush().has_value());
  }
  SECTION("none has") {
    Checkpoint again(disk, "/store/checkpoint");
    REQUIRE(again.open().has_value());
    REQUIRE(again.durable().has_value());
    CHECK(again.durable()->offset == 123'456);
    CHECK(again.durable()->lock_modified_ms == 77);
    CHECK(again.values().queues_timestamp == 1'700'000'000'002);
    again.set_durable(std::nullopt);
    REQUIRE(again.flush().has_value());
    Checkpoint without(disk, "/store/checkpoint");
    REQUIRE(without.open().has_value());
    CHECK_FALSE(without.durable().has_value());
  }
  SECTION("one has, or the mark is damaged") {
    const std::size_t at = GENERATE(std::size_t{7}, std::size_t{15}, std::size_t{23}, std::size_t{31}, std::size_t{39}, std::size_t{64},
                                    std::size_t{79}, std::size_t{87}, std::size_t{91});
    disk.damage("/store/checkpoint", at, "\x0b");
    Checkpoint again(disk, "/store/checkpoint");
    REQUIRE(again.open().has_value());
    CHECK_FALSE(again.durable().has_value());
  }
}

namespace {

/// A log of four files, of which the first two are ten days old.
struct AgedLog : LogFixture {
  AgedLog() {
    for (int i = 0; i < 16; ++i) REQUIRE(append("Orders", 0, {std::string(900, 'x')}).has_value());
    for (std::int64_t base = 0; base < 2 * kFileSize; base += kFileSize) {
      disk().set_modified_ms("/log/" + mapped_file_name(base), clock().now_ms() - 240 * kHourMs);
    }
  }
  std::string hour_now() {
    const std::time_t now = clock().now_ms() / 1000;
    std::tm local{};
    ::localtime_r(&now, &local);
    return std::to_string(local.tm_hour);
  }
  std::string another_hour() { return std::to_string((std::stoi(hour_now()) + 12) % 24); }
};

}  // namespace

TEST_CASE("old files go at the hour that is set, young ones stay", "[commitlog]") {
  AgedLog log;
  Retention at_another(RetentionOptions{.delete_when = log.another_hour()}, log.disk(), log.clock());
  CHECK(at_another.run(log.log()) == 0);
  Retention now(RetentionOptions{.delete_when = log.another_hour() + ";" + log.hour_now()}, log.disk(), log.clock());
  CHECK(now.run(log.log()) == 2);
  CHECK(log->begin() == 2 * LogFixture::kFileSize);
  CHECK(now.run(log.log()) == 0);
}

TEST_CASE("an operator may remove old files at any hour", "[commitlog]") {
  AgedLog log;
  Retention retention(RetentionOptions{.delete_when = log.another_hour()}, log.disk(), log.clock());
  CHECK(retention.run(log.log()) == 0);
  retention.remove_at_any_hour();
  CHECK(retention.run(log.log()) == 2);
}

TEST_CASE("a round removes so many files, and an operator's wish lasts for twenty rounds", "[commitlog]") {
  AgedLog log;
  Retention retention(RetentionOptions{.delete_when = log.another_hour(), .files_a_round = 1}, log.disk(), log.clock());
  retention.remove_at_any_hour();
  CHECK(retention.run(log.log()) == 1);
  CHECK(retention.run(log.log()) == 1);
  for (int round = 2; round < 20; ++round) CHECK(retention.run(log.log()) == 0);  // The others are young.
  log.disk().set_modified_ms("/log/" + mapped_file_name(2 * LogFixture::kFileSize), log.clock().now_ms() - 240 * kHourMs);
  CHECK(retention.run(log.log()) == 0);
  retention.remove_at_any_hour();
  CHECK(retention.run(log.log()) == 1);
}

TEST_CASE("a disk that fills up spares young files when that is set", "[commitlog]") {
  AgedLog log;
  Retention retention(RetentionOptions{.delete_when = log.another_hour(), .clean_at_once = false}, log.disk(), log.clock());
  log.disk().set_space({.total_bytes = 100, .available_bytes = 5});
  CHECK(retention.run(log.log()) == 2);
  CHECK(retention.run(log.log()) == 0);
}

TEST_CASE("a removed file stays readable for who holds it", "[commitlog]") {
  AgedLog log;
  const auto held = log->view(0, 100);
  REQUIRE(held.has_value());
  const std::string before(held->bytes);
  Retention retention(RetentionOptions{}, log.disk(), log.clock());
  retention.remove_at_any_hour();
  CHECK(retention.run(log.log()) == 2);
  CHECK_FALSE(log->view(0, 100).has_value());
  CHECK(held->bytes == before);
}

TEST_CASE("a disk that fills up makes files go, and a full one refuses messages", "[commitlog]") {
  AgedLog log;
  Retention retention(RetentionOptions{.delete_when = log.another_hour()}, log.disk(), log.clock());
  log.disk().set_space({.total_bytes = 100, .available_bytes = 20});  // 80 %: what is old.
  CHECK(retention.run(log.log()) == 2);
  CHECK_FALSE(retention.look(log.log()).full);
  log.disk().set_space({.total_bytes = 100, .available_bytes = 5});  // 95 %: whatever the age, but never the last.
  CHECK(retention.run(log.log()) > 0);
  CHECK(retention.look(log.log()).full);
  CHECK_FALSE(log->files().empty());
  log.disk().set_space({.total_bytes = 100, .available_bytes = 60});
  CHECK_FALSE(retention.look(log.log()).full);
}

TEST_CASE("a disk that could not give an append its space is full until it has it", "[commitlog]") {
  LogFixture log;
  Retention retention(RetentionOptions{}, log.disk(), log.clock());
  log.disk().set_space({.total_bytes = 10'000, .available_bytes = 4'000});
  CHECK_FALSE(retention.look(log.log()).full);
  log.disk().refuse_space(true);
  CHECK(log.append("Orders", 0, {"no file"}).error() == Errc::no_space);
  CHECK(log->space_wanted() == LogFixture::kFileSize);
  CHECK(retention.look(log.log()).full);
  log.disk().set_space({.total_bytes = 10'000, .available_bytes = 5'000});
  CHECK_FALSE(retention.look(log.log()).full);
  log.disk().refuse_space(false);
  CHECK(log.append("Orders", 0, {"a file"}).has_value());
  CHECK(log->space_wanted() == 0);
}

}  // namespace skylark::commitlog
