// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/simple_consume_queue.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/error.h"
#include "consumequeue/queue_table.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kFileSize = 10 * kUnitSize;

struct QueueFixture {
  QueueFixture() { open(false); }
  void open(bool crashed) {
    queue = std::make_unique<SimpleConsumeQueue>(*disk, "/queues/Orders/0", kFileSize);
    REQUIRE(queue->load().has_value());
    REQUIRE(queue->recover(crashed).has_value());
  }
  /// Messages of 100 bytes, back to back in the log from `physical` on.
  void fill(std::int64_t from, std::int64_t to) {
    for (std::int64_t offset = from; offset < to; ++offset) REQUIRE(queue->append({offset * 100, 100, offset + 7}, offset).has_value());
  }
  ManualClock clock;
  std::unique_ptr<FaultyFileSystem> disk = std::make_unique<FaultyFileSystem>(clock);
  std::unique_ptr<ConsumeQueue> queue;
};

}  // namespace

TEST_CASE("units are found by queue offset, across files", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 25);
  CHECK(fixture.queue->max_offset() == 25);
  CHECK(fixture.queue->min_offset() == 0);
  CHECK(fixture.queue->max_physical_offset() == 2500);
  CHECK(fixture.queue->at(12)->physical_offset == 1200);
  CHECK(fixture.queue->at(12)->tags_code == 19);
  CHECK_FALSE(fixture.queue->at(25).has_value());
  CHECK_FALSE(fixture.queue->at(-1).has_value());
  CHECK_FALSE(fixture.queue->at(INT64_MAX).has_value());
  CHECK_FALSE(fixture.queue->at(INT64_MIN).has_value());
  QueueEntry entries[8];
  CHECK(fixture.queue->read(8, entries) == 8);
  CHECK(entries[7].physical_offset == 1500);
  CHECK(fixture.queue->read(22, entries) == 3);
}

TEST_CASE("a unit has Java's bytes", "[consumequeue]") {
  QueueFixture fixture;
  REQUIRE(fixture.queue->append({0x0102030405, 300, -2}, 0).has_value());
  const auto content = fixture.disk->read_all("/queues/Orders/0/00000000000000000000");
  REQUIRE(content.has_value());
  CHECK(content->size() == static_cast<std::size_t>(kFileSize));
  CHECK(load_be<std::int64_t>(content->data()) == 0x0102030405);
  CHECK(load_be<std::int32_t>(content->data() + 8) == 300);
  CHECK(load_be<std::int64_t>(content->data() + 12) == -2);
}

TEST_CASE("a record that is known already is skipped", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 5);
  fixture.fill(0, 5);
  CHECK(fixture.queue->max_offset() == 5);
}

TEST_CASE("a queue ends before files of which a crash left the names", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 45);
  const std::int64_t kept = GENERATE(0, 10, 20);
  for (std::int64_t base = kept; base < 50; base += 10) {
    const std::string path = fmt::format("/queues/Orders/0/{:020}", base * kUnitSize);
    const auto mapped = fixture.disk->map(path, kFileSize, false);
    REQUIRE(mapped.has_value());
    (*mapped)->write(0, std::string(static_cast<std::size_t>(kFileSize), '\0'));
  }
  fixture.open(true);
  CHECK(fixture.queue->max_offset() == kept);
  CHECK(fixture.queue->max_physical_offset() == (kept == 0 ? -1 : kept * 100));
  fixture.fill(kept, 45);
  for (std::int64_t offset = 0; offset < 45; ++offset) CHECK(fixture.queue->at(offset)->physical_offset == offset * 100);
}

TEST_CASE("a queue that begins late fills the front of its file with blanks", "[consumequeue]") {
  QueueFixture fixture;
  REQUIRE(fixture.queue->append({5000, 100, 1}, 23).has_value());
  CHECK(fixture.queue->min_offset() == 23);
  CHECK(fixture.queue->max_offset() == 24);
  CHECK(fixture.disk->exists("/queues/Orders/0/" + commitlog::mapped_file_name(20 * kUnitSize)));
  fixture.open(false);
  fixture.queue->expire(5000);
  CHECK(fixture.queue->min_offset() == 23);
  CHECK(fixture.queue->max_offset() == 24);
  CHECK(fixture.queue->at(22)->blank());
}

TEST_CASE("a skipped offset stays a blank between its neighbours", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 5);
  REQUIRE(fixture.queue->append({700, 100, 1}, 7).has_value());
  CHECK(fixture.queue->at(5)->blank());
  CHECK(fixture.queue->at(6)->blank());
  CHECK(fixture.queue->at(7)->physical_offset == 700);
  fixture.queue->expire(200);
  CHECK(fixture.queue->min_offset() == 2);
}

TEST_CASE("a newer record at a taken offset replaces it and all behind it", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 15);
  REQUIRE(fixture.queue->append({9000, 50, 1}, 3).has_value());
  CHECK(fixture.queue->max_offset() == 4);
  CHECK(fixture.queue->at(3)->physical_offset == 9000);
  CHECK(fixture.queue->max_physical_offset() == 9050);
}

TEST_CASE("min follows the log, and files below it go", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 35);
  fixture.queue->expire(1250);
  CHECK(fixture.queue->min_offset() == 13);
  CHECK_FALSE(fixture.disk->exists("/queues/Orders/0/00000000000000000000"));
  CHECK(fixture.disk->exists("/queues/Orders/0/" + commitlog::mapped_file_name(kFileSize)));
  SECTION("when all are gone the offsets go on") {
    fixture.queue->expire(1'000'000);
    CHECK(fixture.queue->min_offset() == 35);
    CHECK(fixture.queue->max_offset() == 35);
    fixture.open(false);
    fixture.queue->expire(1'000'000);
    CHECK(fixture.queue->min_offset() == 35);
    CHECK(fixture.queue->max_offset() == 35);
  }
}

TEST_CASE("truncation takes the units of records at or behind an offset", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 25);
  const std::int64_t keep = GENERATE(0, 1, 9, 10, 11, 20, 24, 25);
  REQUIRE(fixture.queue->truncate(keep * 100).has_value());
  CHECK(fixture.queue->max_offset() == keep);
  CHECK(fixture.queue->max_physical_offset() == keep * 100);
  // Java would find a message in the zeros of a file that holds nothing.
  CHECK(fixture.disk->exists("/queues/Orders/0/00000000000000000000") == (keep > 0));
  fixture.open(true);
  CHECK(fixture.queue->max_offset() == keep);
  fixture.fill(keep, 30);
  CHECK(fixture.queue->at(29)->physical_offset == 2900);
}

TEST_CASE("a full disk changes nothing, and the call can be repeated", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 10);  // One file exactly.
  fixture.disk->refuse_space(true);
  CHECK(fixture.queue->append({1000, 100, 1}, 10).error() == Errc::no_space);
  CHECK(fixture.queue->max_offset() == 10);
  fixture.disk->refuse_space(false);
  REQUIRE(fixture.queue->append({1000, 100, 1}, 10).has_value());
  CHECK(fixture.queue->at(10)->physical_offset == 1000);
}

TEST_CASE("a queue that rests holds no mapping and wakes by use", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 25);
  fixture.queue->rest();  // Used since the beginning.
  CHECK(fixture.queue->mapped_count() > 0);
  fixture.queue->rest();
  CHECK(fixture.queue->mapped_count() == 0);
  CHECK(fixture.queue->at(3)->physical_offset == 300);
  fixture.fill(25, 26);
  CHECK(fixture.queue->max_offset() == 26);
}

TEST_CASE("queues beyond the limit give their mappings back and keep their messages", "[consumequeue]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  QueueTable table(disk, "/queues", kFileSize);
  REQUIRE(table.load().has_value());
  for (std::int32_t id = 0; id < 50; ++id) {
    REQUIRE(table.find_or_make("Orders", id)->append({id * 100, 100, 7}, 0).has_value());
    CHECK(table.mapped_count() <= 11);
    table.limit_mappings(10);
    CHECK(table.mapped_count() <= 10);
    CHECK(table.mapped_count() >= std::min<std::int64_t>(id + 1, 9));  // Not more than needed: the others are soon wanted again.
  }
  for (const auto& named : table.all()) {
    CHECK(named.queue->max_offset() == 1);
    named.queue->expire(0);
    CHECK(named.queue->at(0)->physical_offset == named.queue_id * 100);
    table.limit_mappings(10);
  }
  CHECK(table.mapped_count() <= 10);
  for (const auto& named : table.all()) REQUIRE(named.queue->truncate(0).has_value());
  CHECK(table.mapped_count() == 0);
}

TEST_CASE("a unit that was changed is mended where it stands, durably", "[consumequeue]") {
  QueueFixture fixture;
  fixture.fill(0, 25);
  REQUIRE(fixture.queue->flush().has_value());
  const std::string path = "/queues/Orders/0/" + commitlog::mapped_file_name(10 * kUnitSize);
  const std::string whole = *fixture.disk->read_all(path);
  fixture.disk->damage(path, 3 * kUnitSize, std::string(kUnitSize, '\0'));
  const std::uint64_t cuts = fixture.queue->cut_count();
  const QueueEntry right{1300, 100, 20};
  CHECK_FALSE(*fixture.queue->mend(12, {1200, 100, 19}, cuts));
  CHECK_FALSE(fixture.queue->dirty());
  CHECK(*fixture.queue->mend(13, right, cuts));
  CHECK(fixture.queue->dirty());
  CHECK(*fixture.disk->read_all(path) == whole);
  SECTION("all at once") {
    REQUIRE(fixture.queue->flush().has_value());
    CHECK_FALSE(fixture.queue->dirty());
    CHECK(*fixture.disk->after_power_cut(1)->read_all(path) == whole);
  }
  SECTION("not in a queue that was cut since") {
    REQUIRE(fixture.queue->truncate(2000).has_value());
    fixture.fill(20, 25);
    CHECK_FALSE(*fixture.queue->mend(13, {1, 1, 1}, cuts));
  }
  SECTION("not where its file was removed") {
    fixture.queue->expire(2000);
    CHECK_FALSE(*fixture.queue->mend(13, {1, 1, 1}, cuts));
    REQUIRE(fixture.queue->flush().has_value());
    CHECK_FALSE(fixture.disk->exists(path));
  }
  SECTION("not in a queue that was removed") {
    REQUIRE(fixture.queue->destroy().has_value());
    CHECK_FALSE(*fixture.queue->mend(13, {1, 1, 1}, cuts));
    REQUIRE(fixture.queue->flush().has_value());
    CHECK_FALSE(fixture.disk->exists(path));
  }
  CHECK_FALSE(*fixture.queue->mend(25, {1, 1, 1}, fixture.queue->cut_count()));
  CHECK_FALSE(*fixture.queue->mend(-1, {1, 1, 1}, fixture.queue->cut_count()));
}

TEST_CASE("a queue behaves like a list", "[consumequeue]") {
  const char* const given = std::getenv("SKYLARK_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "SKYLARK_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  QueueFixture fixture;
  std::vector<QueueEntry> model;  // Index is the queue offset.
  std::int64_t min = 0;
  std::int64_t log_end = 0;
  for (int step = 0; step < 3000; ++step) {
    const auto choice = random() % 100;
    if (choice < 80) {
      const QueueEntry entry{log_end, static_cast<std::int32_t>(100 + random() % 50), static_cast<std::int64_t>(random() % 1000)};
      REQUIRE(fixture.queue->append(entry, static_cast<std::int64_t>(model.size())).has_value());
      model.push_back(entry);
      log_end += entry.size;
    } else if (choice < 88 && static_cast<std::int64_t>(model.size()) > min) {  // Records before min are not in the log any more.
      const std::int64_t at = min + static_cast<std::int64_t>(random() % (model.size() - static_cast<std::size_t>(min)));
      REQUIRE(fixture.queue->append(model[static_cast<std::size_t>(at)], at).has_value());
    } else if (choice < 91 && static_cast<std::int64_t>(model.size()) > min) {
      const std::int64_t at = min + static_cast<std::int64_t>(random() % (model.size() - static_cast<std::size_t>(min)));
      REQUIRE(fixture.queue->truncate(model[static_cast<std::size_t>(at)].physical_offset).has_value());
      log_end = model[static_cast<std::size_t>(at)].physical_offset;
      model.resize(static_cast<std::size_t>(at));
    } else if (choice < 94 && static_cast<std::int64_t>(model.size()) > min) {
      min += static_cast<std::int64_t>(random() % (model.size() - static_cast<std::size_t>(min)));
      fixture.queue->expire(model[static_cast<std::size_t>(min)].physical_offset);
    } else if (choice < 97) {
      fixture.open(random() % 2 == 0);
      if (static_cast<std::int64_t>(model.size()) > min)
        fixture.queue->expire(model[static_cast<std::size_t>(min)].physical_offset);
      else
        fixture.queue->expire(log_end);
    } else {
      fixture.queue->rest();
    }
    REQUIRE(fixture.queue->max_offset() == static_cast<std::int64_t>(model.size()));
    if (static_cast<std::int64_t>(model.size()) > min) {
      REQUIRE(fixture.queue->min_offset() == min);
      const std::int64_t at = min + static_cast<std::int64_t>(random() % (model.size() - static_cast<std::size_t>(min)));
      const auto found = fixture.queue->at(at);
      REQUIRE(found.has_value());
      REQUIRE(found->physical_offset == model[static_cast<std::size_t>(at)].physical_offset);
      REQUIRE(found->tags_code == model[static_cast<std::size_t>(at)].tags_code);
    }
  }
}

}  // namespace skylark::consumequeue
