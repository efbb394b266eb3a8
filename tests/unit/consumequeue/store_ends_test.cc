// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/store_ends.h"

#include "consumequeue/queue_table.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kFileSize = 10 * kUnitSize;

/// A disk with one queue of 25 messages of 100 bytes.
struct Disk {
  Disk() {
    SimpleConsumeQueue queue(files, "/store/consumequeue/Orders/0", kFileSize);
    for (std::int64_t offset = 0; offset < 25; ++offset) REQUIRE(queue.append({offset * 100, 100, 7}, offset).has_value());
    state = queue.state();
  }
  ManualClock clock;
  FaultyFileSystem files{clock};
  QueueState state;
};

StoreEnds ends_of(const QueueState& state) {
  StoreEnds ends;
  ends.clean = true;
  ends.durable_offset = 2500;
  ends.last_record = 2400;
  ends.store_timestamp = 5;
  ends.queue_file_size = kFileSize;
  ends.with_index = true;
  ends.index = {{"20261127000000000", 17, 2400}};
  ends.topics = {{"Orders", false, {{0, state}}}};
  return ends;
}

}  // namespace

TEST_CASE("ends are read as they were written, and not at all when a byte has changed", "[consumequeue]") {
  const Disk disk;
  const StoreEnds ends = ends_of(disk.state);
  const std::string bytes(encode(ends));
  const auto read = decode_store_ends(bytes);
  REQUIRE(read.has_value());
  CHECK(std::string(encode(*read)) == bytes);
  CHECK(read->index == ends.index);
  CHECK(read->topics.front().queues.front().state.units == 25);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    CHECK_FALSE(decode_store_ends(damaged).has_value());
    CHECK_FALSE(decode_store_ends(bytes.substr(0, at)).has_value());
  }
}

TEST_CASE("a queue that is assumed to be as it was is used without being read, and leaves nothing mapped", "[consumequeue]") {
  Disk disk;
  SimpleConsumeQueue queue(disk.files, "/store/consumequeue/Orders/0", kFileSize);
  REQUIRE(queue.assume(disk.state));
  CHECK(queue.ends_as_assumed());
  CHECK(queue.mapped_count() == 0);
  CHECK(queue.max_offset() == 25);
  CHECK(queue.at(24)->physical_offset == 2400);
  REQUIRE(queue.append({2500, 100, 7}, 25).has_value());
  CHECK(queue.max_physical_offset() == 2600);

  QueueState wrong = disk.state;
  wrong.max_physical_offset += 1;
  SimpleConsumeQueue other(disk.files, "/store/consumequeue/Orders/0", kFileSize);
  REQUIRE(other.assume(wrong));
  CHECK_FALSE(other.ends_as_assumed());
  wrong.units = 31;  // Behind its files.
  CHECK_FALSE(other.assume(wrong));
}

TEST_CASE("queues whose folders have not changed since are not listed", "[consumequeue]") {
  Disk disk;
  StoreEnds ends = ends_of(disk.state);
  disk.clock.advance(std::chrono::seconds(1));
  ends.taken_ms = disk.clock.now_ms();
  QueueTable table(disk.files, "/store/consumequeue", kFileSize);
  const bool changed = GENERATE(false, true);
  if (changed)
    REQUIRE(disk.files.write_all("/store/consumequeue/Orders/0/00000000000000000600", std::string(kFileSize, '\0'), true).has_value());
  (void)disk.files.take_listed("");
  const auto found = table.load(&ends, 0);
  REQUIRE(found.has_value());
  CHECK(found->unknown.size() == (changed ? 1 : 0));
  CHECK(found->lost.empty());
  CHECK((disk.files.take_listed("Orders") > 0) == changed);
  CHECK(table.find("Orders", 0) != nullptr);
}

}  // namespace skylark::consumequeue
