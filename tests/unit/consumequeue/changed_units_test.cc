// SPDX-License-Identifier: Apache-2.0
// One unit that was changed on disk, while the log goes on: no message that the log has is hidden, and no file with one removed.
#include <cstdlib>
#include <iostream>
#include <random>

#include "base/bytes.h"
#include "consumequeue/batch_consume_queue.h"
#include "consumequeue/simple_consume_queue.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kUnits = 47;
constexpr std::int64_t kPerFile = 10;
constexpr std::int64_t kFirstRecord = 1'000'000;
constexpr std::int64_t kRecordSize = 100;

std::int64_t record_of(std::int64_t unit) { return kFirstRecord + unit * kRecordSize; }

/// A queue of one message a unit, whose records stand one behind the other.
struct Changed {
  ManualClock clock;
  FaultyFileSystem disk{clock};
  std::unique_ptr<ConsumeQueue> queue;

  explicit Changed(bool batch) {
    if (batch)
      queue = std::make_unique<BatchConsumeQueue>(disk, "/queues/Orders/0", kPerFile * kBatchUnitSize);
    else
      queue = std::make_unique<SimpleConsumeQueue>(disk, "/queues/Orders/0", kPerFile * kUnitSize);
    for (std::int64_t unit = 0; unit < kUnits; ++unit) REQUIRE(queue->append({record_of(unit), kRecordSize, 7}, unit).has_value());
    REQUIRE(queue->expire(kFirstRecord));
  }
  [[nodiscard]] std::string path(std::int64_t unit) const {
    return "/queues/Orders/0/" + commitlog::mapped_file_name(unit / kPerFile * kPerFile * queue->unit_size());
  }
  /// Unless its file went already.
  void change(std::int64_t unit, std::size_t byte, std::string_view bytes) {
    if (!disk.exists(path(unit))) return;
    disk.damage(path(unit), static_cast<std::size_t>(unit % kPerFile * queue->unit_size()) + byte, bytes);
  }
  void zero(std::int64_t first, std::int64_t count) {
    for (std::int64_t unit = first; unit < first + count; ++unit)
      change(unit, 0, std::string(static_cast<std::size_t>(queue->unit_size()), '\0'));
  }
  void lead_to(std::int64_t unit, std::int64_t physical_offset) {
    char bytes[8];
    store_be(bytes, physical_offset);
    change(unit, 0, {bytes, sizeof bytes});
  }
  /// The log begins with the record of that unit now.
  void check_expired(std::int64_t begin, std::int64_t late) {
    CHECK(queue->expire(record_of(begin)));
    CHECK(queue->min_offset() <= begin);
    CHECK(queue->state().min_unit <= begin);
    CHECK(queue->state().min_unit >= begin - late);  // Where the first unit does not say its offset a batch queue takes a lower one.
    for (std::int64_t unit = 0; unit < kUnits; unit += kPerFile) {
      const std::int64_t behind = unit + kPerFile;  // The first one of the next file.
      if (behind > begin) CHECK(disk.exists(path(unit)));
      if (behind + late <= begin) CHECK_FALSE(disk.exists(path(unit)));
    }
  }
};

}  // namespace

TEST_CASE("one changed unit hides no message when the log moves on, wherever it stands", "[consumequeue]") {
  const char* const given = std::getenv("SKYLARK_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "SKYLARK_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  const bool batch = GENERATE(false, true);
  for (std::int64_t changed = 0; changed < kUnits; ++changed) {  // Among them all that a search asks.
    for (int round = 0; round < 12; ++round) {
      Changed fixture(batch);
      const auto begin = static_cast<std::int64_t>(random() % kUnits);
      const auto step = static_cast<std::int64_t>(random() % (static_cast<std::size_t>(begin) + 1));
      INFO("unit " << changed << ", the log begins with that of " << step << ", then of " << begin << ", round " << round);
      if (round < 3)
        fixture.zero(changed, 1);
      else
        fixture.lead_to(changed, record_of(changed) ^ (std::int64_t{1} << random() % 64));
      fixture.check_expired(step, 2);
      fixture.check_expired(begin, 2);
      fixture.lead_to(changed, record_of(changed));
      if (round < 3) continue;
      fixture.check_expired(kUnits - 1, 0);  // Once it is right again nothing is in doubt.
      CHECK(fixture.queue->expire(record_of(kUnits)));
      CHECK(fixture.queue->min_offset() == kUnits);
    }
  }
}

TEST_CASE("a row of changed units stops no queue from expiring", "[consumequeue]") {
  const bool batch = GENERATE(false, true);
  for (std::int64_t first = 0; first < kUnits; ++first) {
    for (std::int64_t count = 2; first + count < kUnits; count += 3) {
      Changed fixture(batch);
      INFO("units " << first << " to " << first + count - 1);
      fixture.zero(first, count);
      for (std::int64_t begin = 0; begin < kUnits; ++begin) {
        REQUIRE(fixture.queue->expire(record_of(begin)));
        REQUIRE(fixture.queue->min_offset() <= begin);
        if (begin < first || begin > first + 2 * count) REQUIRE(fixture.queue->state().min_unit == begin);
      }
    }
  }
}

TEST_CASE("a unit in doubt is the first one until it is mended", "[consumequeue]") {
  const bool batch = GENERATE(false, true);
  Changed fixture(batch);
  fixture.zero(20, 1);  // Right behind a file, where the search begins.
  fixture.check_expired(20, 0);
  CHECK(*fixture.queue->mend(20, {record_of(20), kRecordSize, 7, 20}, fixture.queue->cut_count()));
  CHECK(fixture.queue->at(20)->physical_offset == record_of(20));
  fixture.check_expired(21, 0);
}

}  // namespace skylark::consumequeue
