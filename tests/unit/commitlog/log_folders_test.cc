// SPDX-License-Identifier: Apache-2.0
// One log in several folders: where files go, what is found again, and what becomes of it when one disk is full.
#include "base/error.h"
#include "commitlog/retention.h"
#include "tests/unit/commitlog/log_fixture.h"

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kSize = LogFixture::kFileSize;

/// A log in /a and /b.
struct FoldersFixture : LogFixture {
  FoldersFixture() : LogFixture(false, {.writable = {"/a", "/b"}}) {}

  /// Fills files up to the one that begins there: four records each.
  void fill_until(std::int64_t base) {
    while (log().end() < base + 1) REQUIRE(append("Orders", 0, {std::string(900, 'x')}).has_value());
  }
  [[nodiscard]] bool in(const std::string& folder, std::int64_t base) { return disk().exists(folder + "/" + mapped_file_name(base)); }
};

void write_file(FaultyFileSystem& disk, const std::string& path) {
  REQUIRE(disk.create_folders(path.substr(0, path.rfind('/'))).has_value());
  REQUIRE(disk.write_all(path, std::string(static_cast<std::size_t>(kSize), '\0'), false).has_value());
}

}  // namespace

TEST_CASE("folders are taken apart at commas, in the order of their names", "[commitlog]") {
  const auto folders = FileFolders::parse(" /c/,/a, ,/b,/a", "/old,/b/");
  CHECK(folders.writable == std::vector<std::string>{"/a", "/c"});
  CHECK(folders.read_only == std::vector<std::string>{"/b", "/old"});
  CHECK(FileFolders::parse("/", "").writable == std::vector<std::string>{"/"});
  CHECK(FileFolders::parse("/a", "/a").writable.empty());
}

TEST_CASE("files go to the folders in turn, and all of them are one log again", "[commitlog]") {
  FoldersFixture log;
  log.fill_until(3 * kSize);
  for (std::int64_t file = 0; file < 4; ++file) {
    CHECK(log.in("/a", file * kSize) == (file % 2 == 0));
    CHECK(log.in("/b", file * kSize) == (file % 2 == 1));
  }
  const auto bodies = log.bodies();
  const std::int64_t end = log->end();
  SECTION("after a stop") { log.reopen(); }
  SECTION("after a kill, when the prepared file goes") { log.kill(); }
  CHECK(log->end() == end);
  CHECK(log.bodies() == bodies);
  CHECK_FALSE((log.in("/a", 4 * kSize) || log.in("/b", 4 * kSize)));
}

TEST_CASE("the first file goes, whichever folder it is in", "[commitlog]") {
  FoldersFixture log;
  log.fill_until(2 * kSize);
  REQUIRE(log->remove_first_file().has_value());
  REQUIRE(log->remove_first_file().has_value());
  CHECK(log->begin() == 2 * kSize);
  CHECK_FALSE((log.in("/a", 0) || log.in("/b", kSize)));
  CHECK(log.in("/a", 2 * kSize));
}

TEST_CASE("a name in two folders is refused", "[commitlog]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  write_file(disk, "/a/" + mapped_file_name(0));
  write_file(disk, "/b/" + mapped_file_name(0));
  CommitLog log({.folders = {{"/a", "/b"}}, .file_size = kSize}, disk, clock);
  CHECK(log.load().error() == Errc::malformed);
}

TEST_CASE("a read-only folder is read, gets nothing new, and must be there", "[commitlog]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  CommitLog log({.folders = {.writable = {"/a"}, .read_only = {"/old"}}, .file_size = kSize}, disk, clock);
  SECTION("absent") { CHECK(log.load().error() == Errc::not_found); }
  SECTION("present") {
    write_file(disk, "/old/" + mapped_file_name(0));
    REQUIRE(log.load().has_value());
    CHECK(log.files().bases() == std::vector<std::int64_t>{0});
    CHECK(log.files().find(0)->mapped->path() == "/old/" + mapped_file_name(0));
    CHECK(log.files().places_for(kSize) == std::vector<std::uint32_t>{0});
    CHECK(log.files().folders()[0] == "/a");
  }
}

TEST_CASE("a folder above the mark of forced cleaning gets no files while another is below it", "[commitlog]") {
  FoldersFixture log;
  Retention retention(RetentionOptions{.full_ratio = 0.95}, log.disk(), log.clock());
  log.disk().set_space_of("/a", {.total_bytes = 1'000'000, .available_bytes = 900'000});
  log.disk().set_space_of("/b", {.total_bytes = 1'000'000, .available_bytes = 20'000});
  DiskState state = retention.look(log.log());
  CHECK(state.log_used < 0.2);  // The least used one decides.
  CHECK_FALSE(state.full);
  log.fill_until(3 * kSize);
  for (std::int64_t file = 0; file < 4; ++file) CHECK(log.in("/a", file * kSize));

  log.disk().set_space_of("/a", {.total_bytes = 1'000'000, .available_bytes = 30'000});
  state = retention.look(log.log());
  CHECK(state.full);
  CHECK(log->files().places_for(kSize) == std::vector<std::uint32_t>{1, 0});  // No better one: in turn again.
}

TEST_CASE("a folder that cannot take a file leaves it to the other", "[commitlog][fault]") {
  FoldersFixture log;
  log.fill_until(0);
  log.disk().refuse_space_of("/b/");
  log.fill_until(3 * kSize);
  for (std::int64_t file = 0; file < 4; ++file) {
    CHECK(log.in("/a", file * kSize));
    CHECK_FALSE(log.in("/b", file * kSize));
  }
  const auto bodies = log.bodies();
  log.kill();
  CHECK(log.bodies() == bodies);
  log.disk().refuse_space(true);
  CHECK(log.append("Orders", 0, {std::string(3900, 'x')}).error() == Errc::no_space);
}

TEST_CASE("a sparse file of a full disk is closed early, with the other folder at hand", "[commitlog][fault]") {
  ManualClock clock;
  auto disk = std::make_unique<FaultyFileSystem>(clock);
  constexpr std::int64_t kFile = 64 * 1024;  // Several pages, so that the rest is not allocated with the first record.
  const CommitLogOptions options{.folders = {{"/a", "/b"}}, .file_size = kFile};
  REQUIRE(disk->create_folders("/a").has_value());
  REQUIRE(disk->map("/a/" + mapped_file_name(0), kFile, true).has_value());  // As Java makes it.
  CommitLog log(options, *disk, clock);
  REQUIRE(log.load().has_value());
  REQUIRE(log.open_at(0, 0).has_value());
  disk->refuse_space_of("/a/");
  EncodedRecords records;
  RecordFields fields;
  fields.topic = "Orders";
  fields.body = "first";
  records.add(fields);
  SECTION("not without a place for what closes it") {
    CHECK(log.append(records).error() == Errc::no_space);
    CHECK(log.end() == 0);
  }
  SECTION("by a blank record") {
    REQUIRE(disk->map("/a/" + mapped_file_name(0), kFile, false).value()->allocate(0, 100).error() == Errc::no_space);
    disk->refuse_space_of("");
    REQUIRE(disk->map("/a/" + mapped_file_name(0), kFile, false).value()->allocate(0, 100).has_value());
    disk->refuse_space_of("/a/");
    const auto appended = log.append(records);
    REQUIRE(appended.has_value());
    CHECK(appended->begin == kFile);
    CHECK(disk->exists("/b/" + mapped_file_name(kFile)));
    const auto scanned = scan_log(log.files(), 0, true, [](const MessageView&) -> Result<void> { return {}; });
    REQUIRE(scanned.has_value());
    CHECK(scanned->end == appended->end);
    CHECK(scanned->record_count == 1);
  }
}

}  // namespace skylark::commitlog
