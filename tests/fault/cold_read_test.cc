// SPDX-License-Identifier: Apache-2.0
// What is no longer in memory is read from disk by those who may wait, and given out only when it is whole.
#include "base/error.h"
#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

constexpr const char* kFirstLogFile = "/store/commitlog/00000000000000000000";
constexpr const char* kFirstQueueFile = "/store/consumequeue/Orders/0/00000000000000000000";
constexpr int kCount = 10;

/// Ten messages of an earlier run, none of which is in memory: nothing of it was appended by this process.
struct ColdStore : FaultyStore {
  ColdStore() {
    for (int i = 0; i < kCount; ++i) puts.push_back(put("Orders", 0, "order " + std::to_string(i)));
    await_dispatch();
    stop();
    start();
    disk().evict("/commitlog/");
  }
  GetResult get(std::int64_t offset, bool may_wait) {
    return (*this)->get({.topic = "Orders", .queue_id = 0, .queue_offset = offset, .may_wait = may_wait});
  }
  std::vector<PutResult> puts;
};

}  // namespace

TEST_CASE("a read that may not wait says when it would have to", "[store][fault]") {
  ColdStore store;
  SECTION("for the record") {}
  SECTION("for the queue") { store.disk().evict("/consumequeue/"); }
  const GetResult refused = store.get(3, false);
  CHECK(refused.needs_disk);
  CHECK(refused.slices.empty());
  CHECK(refused.next_begin_offset == 3);
  const GetResult read = store.get(3, true);
  CHECK(read.status == GetStatus::found);
  CHECK_FALSE(read.needs_disk);
  CHECK(read.message_count == kCount - 3);
  CHECK(read.next_begin_offset == kCount);
}

TEST_CASE("what lies in memory is served at once, whoever asks", "[store][fault]") {
  ColdStore store;
  store.disk().evict("");
  store.disk().fail_reads_of("/commitlog/");  // The mapping serves, not the disk.
  CHECK(store.get(0, false).message_count == kCount);
}

TEST_CASE("a read that may not wait gives what it has and stops where the disk begins", "[store][fault]") {
  ColdStore store;
  store.put("Orders", 0, "of this run");
  store.await_dispatch();
  const GetResult hot = store.get(kCount, false);
  CHECK(hot.status == GetStatus::found);
  CHECK(hot.message_count == 1);
  CHECK(store.get(kCount - 1, false).needs_disk);
}

TEST_CASE("a damaged record is passed over, the others are given out", "[store][fault]") {
  ColdStore store;
  const auto at = static_cast<std::size_t>(store.puts[4].physical_offset);
  const bool mapped = GENERATE(false, true);
  if (mapped) store.disk().evict("");
  SECTION("in its body") { store.disk().damage(kFirstLogFile, at + 88 + 2, "?"); }
  SECTION("in its magic") { store.disk().damage(kFirstLogFile, at + 4, "????"); }
  SECTION("in its place") { store.disk().damage(kFirstLogFile, at + 28, "\x01"); }
  const GetResult read = store.get(0, true);
  CHECK(read.status == GetStatus::found);
  CHECK(read.message_count == kCount - 1);
  CHECK(read.next_begin_offset == kCount);
  CHECK_FALSE(store->record_at(store.puts[4].physical_offset));
  CHECK(store->record_at(store.puts[5].physical_offset));
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 4, .message_count_max = 1}).next_begin_offset == 6);
}

TEST_CASE("a disk that fails is an answer, and nothing is passed over", "[store][fault]") {
  ColdStore store;
  store.disk().fail_reads_of("/commitlog/");
  const GetResult failed = store.get(3, true);
  CHECK(failed.status == GetStatus::read_failed);
  CHECK(failed.next_begin_offset == 3);
  CHECK(failed.slices.empty());
  CHECK_FALSE(store->record_at(store.puts[3].physical_offset));
  store.disk().fail_reads_of("");
  CHECK(store.get(3, true).message_count == kCount - 3);
}

TEST_CASE("a unit that points nowhere costs its own message and no other", "[store][fault]") {
  ColdStore store;
  store.disk().damage(kFirstQueueFile, 4 * 20, std::string("\0\0\x01\0\0\0\0\0", 8));
  const GetResult read = store.get(0, true);
  CHECK(read.message_count == kCount - 1);
  const GetResult alone = store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 4, .message_count_max = 1});
  CHECK(alone.message_count == 1);
  CHECK(alone.next_begin_offset == 6);
}

TEST_CASE("behind a queue file that is missing the reader goes on", "[store][fault]") {
  FaultyStore store;
  for (int i = 0; i < 50; ++i) store.put("Orders", 0, std::to_string(i));  // 20 units a file.
  store.await_dispatch();
  store.stop();
  store.start();
  REQUIRE(store.disk().remove("/store/consumequeue/Orders/0/00000000000000000400").has_value());
  const GetResult missing = store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 25});
  CHECK(missing.status == GetStatus::offset_found_null);
  CHECK(missing.next_begin_offset == 40);
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 40}).message_count == 10);
}

}  // namespace skylark::broker
