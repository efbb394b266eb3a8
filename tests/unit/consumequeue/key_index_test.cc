// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/key_index.h"

#include "base/bytes.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::consumequeue {
namespace {

constexpr IndexGeometry kSmall{8, 11};  // Ten keys a file.

struct IndexFixture {
  IndexFixture() { open(false, 0); }
  void open(bool crashed, std::int64_t safe_timestamp) {
    index = std::make_unique<KeyIndex>(disk, clock, "/index", kSmall);
    REQUIRE(index->load(crashed, safe_timestamp).has_value());
  }
  void add(std::int64_t physical_offset, std::string_view keys, std::string_view unique = {}) {
    std::string properties;
    if (!keys.empty()) append_property(properties, property::kKeys, keys);
    if (!unique.empty()) append_property(properties, property::kUniqueKey, unique);
    MessageView record;
    record.topic = "Orders";
    record.physical_offset = physical_offset;
    record.store_timestamp = clock.now_ms();
    record.properties = properties;
    REQUIRE(index->add(record).has_value());
  }
  std::vector<std::int64_t> query(std::string_view key, std::int64_t begin_ms = 0, std::int64_t end_ms = INT64_MAX) {
    return index->query("Orders", key, 32, begin_ms, end_ms);
  }
  ManualClock clock;
  FaultyFileSystem disk{clock};
  std::unique_ptr<KeyIndex> index;
};

}  // namespace

TEST_CASE("messages are found by unique key and by each of their keys", "[consumequeue]") {
  IndexFixture fixture;
  fixture.add(0, "a b", "unique0");
  fixture.add(100, " b  c ");
  fixture.add(200, "");
  CHECK(fixture.query("unique0") == std::vector<std::int64_t>{0});
  CHECK(fixture.query("a") == std::vector<std::int64_t>{0});
  CHECK(fixture.query("b") == std::vector<std::int64_t>{100, 0});
  CHECK(fixture.query("c") == std::vector<std::int64_t>{100});
  CHECK(fixture.index->query("Payments", "a", 32, 0, INT64_MAX).empty());
  CHECK(fixture.index->end_offset() == 100);
}

TEST_CASE("keys go on in a new file when one is full", "[consumequeue]") {
  IndexFixture fixture;
  for (int i = 0; i < 35; ++i) fixture.add(i * 100, "key" + std::to_string(i) + " all");
  for (int i = 0; i < 35; ++i) CHECK(fixture.query("key" + std::to_string(i)) == std::vector<std::int64_t>{i * 100});
  CHECK(fixture.query("all").size() == 32);
  CHECK(fixture.disk.list("/index")->size() == 7);
  fixture.open(false, 0);
  CHECK(fixture.query("key34") == std::vector<std::int64_t>{3400});
  fixture.add(3400, "again");  // Known already.
  CHECK(fixture.query("again").empty());
}

TEST_CASE("a full index file is safe when it and the records of its keys are on disk", "[consumequeue]") {
  IndexFixture fixture;
  for (int i = 0; i < 12; ++i) fixture.add(i * 100, "k");
  CHECK(fixture.index->safe_timestamp(5000) == 0);  // Not flushed yet.
  REQUIRE(fixture.index->flush().has_value());
  CHECK(fixture.index->safe_timestamp(900) == 0);  // The tenth record begins there.
  CHECK(fixture.index->safe_timestamp(1000) == fixture.clock.now_ms());
}

TEST_CASE("a disk that runs full between two keys of a message costs none of them", "[consumequeue]") {
  IndexFixture fixture;
  for (int i = 0; i < 9; ++i) fixture.add(i * 100, "k");
  MessageView record;
  record.topic = "Orders";
  record.physical_offset = 900;
  record.store_timestamp = fixture.clock.now_ms();
  record.properties = "UNIQ_KEY\x01unique9\x02KEYS\x01order9\x02";
  fixture.disk.refuse_space(true);
  REQUIRE_FALSE(fixture.index->add(record).has_value());  // The first key filled the file, the second one needs another.
  fixture.disk.refuse_space(false);
  REQUIRE(fixture.index->add(record).has_value());
  CHECK(fixture.query("unique9").front() == 900);
  CHECK(fixture.query("order9") == std::vector<std::int64_t>{900});
}

TEST_CASE("names of index files keep the order of creation", "[consumequeue]") {
  IndexFixture fixture;
  fixture.clock.advance(std::chrono::hours(48));
  for (int i = 0; i < 12; ++i) fixture.add(i * 100, "k");
  fixture.clock.advance(std::chrono::hours(-48));
  for (int i = 12; i < 32; ++i) fixture.add(i * 100, "k");
  CHECK(fixture.disk.list("/index")->size() == 4);
  fixture.open(false, 0);
  CHECK(fixture.index->end_offset() == 3100);
}

TEST_CASE("times narrow a query to within a second", "[consumequeue]") {
  IndexFixture fixture;
  const std::int64_t begin = fixture.clock.now_ms();
  for (int i = 0; i < 5; ++i) {
    fixture.add(i * 100, "k");
    fixture.clock.advance(std::chrono::seconds(10));
  }
  CHECK(fixture.query("k", begin + 15'000, begin + 35'000) == std::vector<std::int64_t>{300, 200});
  CHECK(fixture.query("k", begin + 100'000, begin + 200'000).empty());
}

TEST_CASE("after a crash files that are known to be whole stay, and of the next one what lies before the durable point", "[consumequeue]") {
  IndexFixture fixture;
  for (int i = 0; i < 28; ++i) {
    fixture.add(i * 100, "key" + std::to_string(i));
    fixture.clock.advance(std::chrono::seconds(1));
  }
  REQUIRE(fixture.index->flush().has_value());
  const std::int64_t safe = fixture.index->safe_timestamp(INT64_MAX);
  CHECK(safe == fixture.clock.now_ms() - 9000);  // The last key of the second file, the last one that is full.
  fixture.open(true, safe);
  SECTION("of the last record before it a part may be missing: it goes too") {
    REQUIRE(fixture.index->cut_back(2500).has_value());
    for (int i = 0; i < 28; ++i) CHECK(fixture.query("key" + std::to_string(i)).size() == (i < 24 ? 1 : 0));
    CHECK(fixture.index->end_offset() == 2300);
    for (int i = 23; i < 40; ++i) fixture.add(i * 100, "key" + std::to_string(i));
    for (int i = 0; i < 40; ++i) CHECK(fixture.query("key" + std::to_string(i)) == std::vector<std::int64_t>{i * 100});
  }
  SECTION("nothing of the unfinished file is known") {
    REQUIRE(fixture.index->cut_back(2000).has_value());
    CHECK(fixture.query("key19").size() == 1);
    CHECK(fixture.query("key20").empty());
    CHECK(fixture.index->end_offset() == 1900);
  }
}

TEST_CASE("an index file that a power cut left with holes keeps what stands before the first one", "[consumequeue]") {
  const std::size_t hole = GENERATE(1, 2, 3, 4, 5, 6, 7);
  const std::size_t at_byte = GENERATE(0, 4, 11, 12, 16, 19);  // Where in that entry the lost page begins.
  IndexFixture fixture;
  for (int i = 1; i <= 7; ++i) fixture.add(i * 1000, "key" + std::to_string(i) + " all", "u" + std::to_string(i / 4));
  const std::string path = "/index/" + fixture.disk.list("/index")->back();
  const std::string first = "/index/" + fixture.disk.list("/index")->front();
  INFO(path);
  const std::size_t begin = 40 + 8 * 4 + hole * 20 + at_byte;
  fixture.disk.damage(first, begin, std::string(40 + 8 * 4 + 11 * 20 - begin, '\0'));
  fixture.open(true, 0);
  REQUIRE(fixture.index->cut_back(1'000'000).has_value());
  const std::int64_t end = fixture.index->end_offset();
  CHECK(end <= static_cast<std::int64_t>(hole) * 1000);
  for (int i = 1; i <= 7; ++i) fixture.add(i * 1000, "key" + std::to_string(i) + " all", "u" + std::to_string(i / 4));
  for (int i = 1; i <= 7; ++i) CHECK(fixture.query("key" + std::to_string(i)) == std::vector<std::int64_t>{i * 1000});
  CHECK(fixture.query("all").size() == 7);
}

TEST_CASE("files of another geometry are left alone", "[consumequeue]") {
  IndexFixture fixture;
  fixture.add(0, "a");
  fixture.index = std::make_unique<KeyIndex>(fixture.disk, fixture.clock, "/index", IndexGeometry{16, 11});
  REQUIRE(fixture.index->load(false, 0).has_value());
  CHECK(fixture.query("a").empty());
  fixture.add(100, "b");
  CHECK(fixture.query("b").size() == 1);
  fixture.open(false, 0);
  CHECK(fixture.query("a").size() == 1);
}

TEST_CASE("files whose records are gone from the log go too, the last one stays", "[consumequeue]") {
  IndexFixture fixture;
  for (int i = 0; i < 25; ++i) fixture.add(i * 100, "k");
  fixture.index->expire(950);
  CHECK(fixture.disk.list("/index")->size() == 2);
  fixture.index->expire(1'000'000);
  CHECK(fixture.disk.list("/index")->size() == 1);
}

TEST_CASE("an index file has Java's bytes", "[consumequeue]") {
  IndexFixture fixture;
  const std::int64_t now = fixture.clock.now_ms();
  fixture.add(500, "a");
  fixture.clock.advance(std::chrono::milliseconds(2500));
  fixture.add(700, "a");
  const std::string name = fixture.disk.list("/index")->front();
  CHECK(name.size() == 17);
  const auto content = fixture.disk.read_all("/index/" + name);
  REQUIRE(content.has_value());
  CHECK(content->size() == 40 + 8 * 4 + 11 * 20);
  const char* const bytes = content->data();
  CHECK(load_be<std::int64_t>(bytes) == now);
  CHECK(load_be<std::int64_t>(bytes + 8) == now + 2500);
  CHECK(load_be<std::int64_t>(bytes + 16) == 500);
  CHECK(load_be<std::int64_t>(bytes + 24) == 700);
  CHECK(load_be<std::int32_t>(bytes + 32) == 1);  // Slots in use.
  CHECK(load_be<std::int32_t>(bytes + 36) == 3);  // Next entry; 0 is unused.
  const std::int32_t hash = index_key_hash("Orders", "a");
  CHECK(load_be<std::int32_t>(bytes + 40 + hash % 8 * 4) == 2);
  const char* const second = bytes + 40 + 8 * 4 + 2 * 20;
  CHECK(load_be<std::int32_t>(second) == hash);
  CHECK(load_be<std::int64_t>(second + 4) == 700);
  CHECK(load_be<std::int32_t>(second + 12) == 2);  // Whole seconds since the first key.
  CHECK(load_be<std::int32_t>(second + 16) == 1);  // The entry before it in its slot.
}

}  // namespace skylark::consumequeue
