// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/batch_consume_queue.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kFileSize = 10 * kBatchUnitSize;
constexpr const char* kFirstFile = "/queues/Orders/0/00000000000000000000";

QueueEntry entry_of(std::int64_t physical_offset, std::int32_t message_count, std::int64_t store_timestamp = 0) {
  QueueEntry entry{physical_offset, 100, physical_offset + 7};
  entry.message_count = message_count;
  entry.store_timestamp = store_timestamp;
  return entry;
}

struct BatchFixture {
  BatchFixture() { open(false); }
  void open(bool crashed) {
    queue = std::make_unique<BatchConsumeQueue>(*disk, "/queues/Orders/0", kFileSize);
    REQUIRE(queue->load().has_value());
    REQUIRE(queue->recover(crashed).has_value());
  }
  /// Records of 100 bytes and three messages, back to back in the log, number `from` to `to`; record N is stored at 1000 + 10 N.
  void fill(std::int64_t from, std::int64_t to) {
    for (std::int64_t n = from; n < to; ++n) REQUIRE(queue->append(entry_of(n * 100, 3, 1000 + n * 10), n * 3).has_value());
  }
  ManualClock clock;
  std::unique_ptr<FaultyFileSystem> disk = std::make_unique<FaultyFileSystem>(clock);
  std::unique_ptr<BatchConsumeQueue> queue;
};

}  // namespace

TEST_CASE("a batch unit has Java's bytes", "[consumequeue]") {
  BatchFixture fixture;
  QueueEntry entry{0x0102030405, 300, -2};
  entry.message_count = 12;
  entry.store_timestamp = 1'700'000'000'123;
  REQUIRE(fixture.queue->append(entry, 77).has_value());
  const auto content = fixture.disk->read_all(kFirstFile);
  REQUIRE(content.has_value());
  CHECK(content->size() == static_cast<std::size_t>(kFileSize));
  CHECK(load_be<std::int64_t>(content->data()) == 0x0102030405);
  CHECK(load_be<std::int32_t>(content->data() + 8) == 300);
  CHECK(load_be<std::int64_t>(content->data() + 12) == -2);
  CHECK(load_be<std::int64_t>(content->data() + 20) == 1'700'000'000'123);
  CHECK(load_be<std::int64_t>(content->data() + 28) == 77);
  CHECK(load_be<std::int16_t>(content->data() + 36) == 12);
  CHECK(load_be<std::int32_t>(content->data() + 38) == -1);
  CHECK(load_be<std::int32_t>(content->data() + 42) == 0);
}

TEST_CASE("a unit is found by the offset of each of its messages, across files", "[consumequeue]") {
  BatchFixture fixture;
  CHECK(fixture.queue->max_offset() == 0);
  CHECK(fixture.queue->min_offset() == 0);
  fixture.fill(0, 25);
  CHECK(fixture.queue->max_offset() == 75);
  CHECK(fixture.queue->min_offset() == 0);
  CHECK(fixture.queue->max_physical_offset() == 2500);
  for (std::int64_t offset = 0; offset < 75; ++offset) {
    const auto entry = fixture.queue->at(offset);
    REQUIRE(entry.has_value());
    CHECK(entry->physical_offset == offset / 3 * 100);
    CHECK(entry->queue_offset == offset / 3 * 3);
    CHECK(entry->message_count == 3);
  }
  CHECK_FALSE(fixture.queue->at(75).has_value());
  CHECK_FALSE(fixture.queue->at(-1).has_value());
  CHECK_FALSE(fixture.queue->at(INT64_MAX).has_value());
  CHECK_FALSE(fixture.queue->at(INT64_MIN).has_value());
  QueueEntry entries[8];
  CHECK(fixture.queue->read(25, entries) == 8);
  CHECK(entries[0].queue_offset == 24);
  CHECK(entries[7].physical_offset == 1500);
}

TEST_CASE("a number of messages that no unit can hold is refused", "[consumequeue]") {
  BatchFixture fixture;
  const std::int32_t count = GENERATE(-1, 0, 32'768);
  CHECK(fixture.queue->append(entry_of(0, count), 0).error() == Errc::invalid_argument);
  CHECK(fixture.queue->max_offset() == 0);
}

TEST_CASE("a batch that is known already is skipped", "[consumequeue]") {
  BatchFixture fixture;
  fixture.fill(0, 5);
  fixture.fill(0, 5);
  CHECK(fixture.queue->max_offset() == 15);
  CHECK(fixture.queue->at(14)->physical_offset == 400);
}

TEST_CASE("offsets may be missing between batches, and a reader goes on behind them", "[consumequeue]") {
  BatchFixture fixture;
  REQUIRE(fixture.queue->append(entry_of(500, 2), 40).has_value());
  REQUIRE(fixture.queue->append(entry_of(700, 5), 50).has_value());
  CHECK(fixture.queue->min_offset() == 40);
  CHECK(fixture.queue->max_offset() == 55);
  CHECK_FALSE(fixture.queue->at(45).has_value());
  QueueEntry entry;
  REQUIRE(fixture.queue->read(45, {&entry, 1}) == 1);
  CHECK(entry.queue_offset == 50);
}

TEST_CASE("a newer record at a taken offset replaces the units that reach behind it", "[consumequeue]") {
  BatchFixture fixture;
  fixture.fill(0, 15);
  REQUIRE(fixture.queue->append(entry_of(9000, 2), 10).has_value());
  CHECK(fixture.queue->max_offset() == 12);
  CHECK(fixture.queue->at(8)->physical_offset == 200);
  CHECK_FALSE(fixture.queue->at(9).has_value());
  CHECK(fixture.queue->at(10)->physical_offset == 9000);
}

TEST_CASE("min follows the log by whole batches, and files below it go", "[consumequeue]") {
  BatchFixture fixture;
  fixture.fill(0, 35);
  fixture.queue->expire(1250);
  CHECK(fixture.queue->min_offset() == 39);
  CHECK_FALSE(fixture.disk->exists(kFirstFile));
  CHECK(fixture.disk->exists("/queues/Orders/0/" + commitlog::mapped_file_name(kFileSize)));
  SECTION("when all are gone the offsets go on") {
    fixture.queue->expire(1'000'000);
    CHECK(fixture.queue->min_offset() == 105);
    CHECK(fixture.queue->max_offset() == 105);
    fixture.open(false);
    fixture.queue->expire(1'000'000);
    CHECK(fixture.queue->min_offset() == 105);
    CHECK(fixture.queue->max_offset() == 105);
  }
}

TEST_CASE("truncation takes the units of batches at or behind an offset", "[consumequeue]") {
  BatchFixture fixture;
  fixture.fill(0, 25);
  const std::int64_t keep = GENERATE(0, 1, 9, 10, 11, 20, 24, 25);
  REQUIRE(fixture.queue->truncate(keep * 100).has_value());
  CHECK(fixture.queue->max_offset() == keep * 3);
  CHECK(fixture.queue->max_physical_offset() == keep * 100);
  fixture.open(true);
  CHECK(fixture.queue->max_offset() == keep * 3);
  fixture.fill(keep, 30);
  CHECK(fixture.queue->at(89)->physical_offset == 2900);
}

TEST_CASE("a queue that lost its last units goes on with their offsets", "[consumequeue]") {
  BatchFixture fixture;
  REQUIRE(fixture.queue->append(entry_of(500, 2), 40).has_value());
  REQUIRE(fixture.queue->truncate(500).has_value());
  CHECK(fixture.queue->min_offset() == 40);
  CHECK(fixture.queue->max_offset() == 40);
  REQUIRE(fixture.queue->destroy().has_value());
  CHECK(fixture.queue->max_offset() == 0);
}

TEST_CASE("a time leads to the batch of that time", "[consumequeue]") {
  BatchFixture fixture;
  CHECK(fixture.queue->offset_by_time(5, false) == 0);
  fixture.fill(0, 25);  // Record N at 1000 + 10 N.
  CHECK(fixture.queue->offset_by_time(0, false) == 0);
  CHECK(fixture.queue->offset_by_time(1100, false) == 30);
  CHECK(fixture.queue->offset_by_time(1101, false) == 33);
  CHECK(fixture.queue->offset_by_time(9999, false) == 72);
  CHECK(fixture.queue->offset_by_time(0, true) == 0);
  CHECK(fixture.queue->offset_by_time(1100, true) == 30);
  CHECK(fixture.queue->offset_by_time(1109, true) == 30);
  CHECK(fixture.queue->offset_by_time(9999, true) == 72);
  fixture.queue->expire(2000);
  CHECK(fixture.queue->offset_by_time(0, false) == 60);
  CHECK(fixture.queue->offset_by_time(0, true) == 60);
}

TEST_CASE("a full disk leaves a batch queue as it was, and the call can be repeated", "[consumequeue]") {
  BatchFixture fixture;
  fixture.fill(0, 10);  // One file exactly.
  fixture.disk->refuse_space(true);
  CHECK(fixture.queue->append(entry_of(1000, 3), 30).error() == Errc::no_space);
  CHECK(fixture.queue->max_offset() == 30);
  fixture.disk->refuse_space(false);
  REQUIRE(fixture.queue->append(entry_of(1000, 3), 30).has_value());
  CHECK(fixture.queue->at(32)->physical_offset == 1000);
}

TEST_CASE("a batch queue behaves like a list of batches", "[consumequeue]") {
  const char* const given = std::getenv("SKYLARK_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "SKYLARK_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  BatchFixture fixture;
  std::vector<QueueEntry> model;
  std::size_t min = 0;  // Index of the first batch that the log has.
  std::int64_t log_end = 0;
  const auto pick = [&] { return min + random() % (model.size() - min); };
  for (int step = 0; step < 3000; ++step) {
    const auto choice = random() % 100;
    const bool any = model.size() > min;
    if (choice < 80) {
      QueueEntry entry = entry_of(log_end, static_cast<std::int32_t>(1 + random() % 40));
      entry.queue_offset = model.empty() ? 0 : model.back().next_queue_offset();
      REQUIRE(fixture.queue->append(entry, entry.queue_offset).has_value());
      model.push_back(entry);
      log_end += entry.size;
    } else if (choice < 88 && any) {
      const QueueEntry& known = model[pick()];
      REQUIRE(fixture.queue->append(known, known.queue_offset).has_value());
    } else if (choice < 91 && any && min + 1 < model.size()) {
      const std::size_t at = std::max(pick(), min + 1);
      log_end = model[at].physical_offset;
      REQUIRE(fixture.queue->truncate(log_end).has_value());
      model.resize(at);
    } else if (choice < 94 && any) {
      min = pick();
      fixture.queue->expire(model[min].physical_offset);
    } else if (choice < 97) {
      fixture.open(random() % 2 == 0);
      fixture.queue->expire(any ? model[min].physical_offset : log_end);
    } else {
      fixture.queue->rest();
    }
    REQUIRE(fixture.queue->max_offset() == (model.empty() ? 0 : model.back().next_queue_offset()));
    if (model.size() <= min) continue;
    REQUIRE(fixture.queue->min_offset() == model[min].queue_offset);
    const QueueEntry& wanted = model[pick()];
    const auto found =
        fixture.queue->at(wanted.queue_offset + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(wanted.message_count)));
    REQUIRE(found.has_value());
    REQUIRE(found->physical_offset == wanted.physical_offset);
    REQUIRE(found->message_count == wanted.message_count);
    REQUIRE(found->tags_code == wanted.tags_code);
  }
}

TEST_CASE("a row of units that were changed hides none of the others", "[consumequeue]") {
  const std::int64_t begin = GENERATE(0, 1, 4, 8, 20, 24);
  const std::int64_t end = std::min<std::int64_t>(begin + GENERATE(1, 2, 5, 12), 25);
  const char fill = GENERATE('\0', '\x7F', '\xFF');
  BatchFixture fixture;
  fixture.fill(0, 25);
  for (std::int64_t number = begin; number < end; ++number) {
    const std::string path = "/queues/Orders/0/" + commitlog::mapped_file_name(number / 10 * kFileSize);
    fixture.disk->damage(path, static_cast<std::size_t>(number % 10 * kBatchUnitSize), std::string(kBatchUnitSize, fill));
  }
  CHECK(fixture.queue->min_offset() == 0);
  for (std::int64_t offset = 0; offset < 75; ++offset) {
    INFO("offset " << offset << ", changed " << begin << " to " << end - 1);
    const bool changed = offset / 3 >= begin && offset / 3 < end;
    QueueEntry found;
    REQUIRE(fixture.queue->read(offset, {&found, 1}) == 1);
    if (!changed) CHECK(found.physical_offset == offset / 3 * 100);
    if (changed && end < 25) CHECK(found.physical_offset == end * 100);
    CHECK(fixture.queue->at(offset).has_value() == !changed);
  }
}

TEST_CASE("a batch unit that was changed is mended, and with the first one the min offset", "[consumequeue]") {
  BatchFixture fixture;
  REQUIRE(fixture.queue->append(entry_of(1000, 3, 1000), 30).has_value());
  REQUIRE(fixture.queue->append(entry_of(1100, 3, 1010), 33).has_value());
  const std::string whole = *fixture.disk->read_all(kFirstFile);
  fixture.disk->damage(kFirstFile, 0, std::string(kBatchUnitSize, '\0'));
  CHECK(fixture.queue->min_offset() == 0);
  QueueEntry right = entry_of(1000, 3, 1000);
  right.queue_offset = 30;
  CHECK(*fixture.queue->mend(0, right, fixture.queue->cut_count()));
  CHECK(*fixture.disk->read_all(kFirstFile) == whole);
  CHECK(fixture.queue->min_offset() == 30);
  CHECK(fixture.queue->unit_number(32) == 0);
  CHECK(fixture.queue->unit_number(33) == 1);
  CHECK(fixture.queue->unit_number(36) == -1);
}

}  // namespace skylark::consumequeue
