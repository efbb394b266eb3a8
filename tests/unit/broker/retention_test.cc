// SPDX-License-Identifier: Apache-2.0
// Files of the log that go while somebody still reads them.
#include <fstream>

#include "tests/support/catch.h"
#include "tests/unit/broker/message_store_fixture.h"

namespace skylark::broker {
namespace {

constexpr const char* kFirstFile = "/commitlog/00000000000000000000";

/// Files of the commit log that were removed and are still mapped by this process.
int removed_mappings(const std::string& root) {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(root + "/commitlog/") != std::string::npos && line.ends_with("(deleted)")) ++count;
  }
  return count;
}

void fill(StoreFixture& store) {
  for (int i = 0; i < 100; ++i) REQUIRE(store.put("Orders", 0, std::to_string(i) + std::string(800, '.')).stored());
  store.await_dispatch();
}

void expire(StoreFixture& store) {
  store.clock().advance(std::chrono::hours(24 * 365 * 30));  // Files are as old as the real clock says they are.
  REQUIRE(store->delete_expired_files());
  REQUIRE(store->min_physical_offset() > 0);
  REQUIRE_FALSE(store.files().exists(store.root() + kFirstFile));
}

}  // namespace

TEST_CASE("what a reader holds outlives the removal of its file, and the mapping goes with the reader", "[store][retention]") {
  StoreFixture store;
  fill(store);
  GetResult held = store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .message_count_max = 8});
  REQUIRE(held.message_count == 8);
  expire(store);
  CHECK(removed_mappings(store.root()) == 1);  // Of all removed files that one alone.
  int number = 0;
  for (const PinnedSlice& slice : held.slices) {
    const auto records = decode_records(slice.bytes);
    REQUIRE(records.has_value());
    for (const MessageView& record : *records) CHECK(record.body == std::to_string(number++) + std::string(800, '.'));
  }
  CHECK(number == 8);
  const GetResult late = store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0});
  CHECK(late.status == GetStatus::offset_too_small);
  CHECK(late.next_begin_offset == store->min_offset("Orders", 0));

  SECTION("while the store runs") { held.slices.clear(); }
  SECTION("after the store stopped") {
    store.stop();
    CHECK(removed_mappings(store.root()) == 1);
    CHECK(decode_records(held.slices.front().bytes).has_value());
    held.slices.clear();
  }
  CHECK(removed_mappings(store.root()) == 0);
}

TEST_CASE("bytes on their way to a replica outlive the removal of their file; what comes behind them is gone", "[store][retention]") {
  StoreFixture store;
  fill(store);
  auto sending = store->log_bytes(0, 10'000);
  REQUIRE(sending.has_value());
  const std::string before(sending->bytes);
  expire(store);
  CHECK(sending->bytes == before);
  CHECK(removed_mappings(store.root()) == 1);
  CHECK_FALSE(store->log_bytes(10'000, 10'000).has_value());  // As with Java: a replica so far behind has to begin anew.
  CHECK(store->log_bytes(store->min_physical_offset(), 10'000).has_value());
  sending.reset();
  CHECK(removed_mappings(store.root()) == 0);
}

}  // namespace skylark::broker
