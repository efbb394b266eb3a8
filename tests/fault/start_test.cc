// SPDX-License-Identifier: Apache-2.0
// A start with what the last stop, or the last ten seconds before a kill, wrote down: what it need not look at, and what it must not
// believe.
#include <thread>

#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace skylark::broker {
namespace {

constexpr const char* kEnds = "/store/storeends";
constexpr const char* kFirstUnits = "/store/consumequeue/Orders/0/00000000000000000000";
constexpr int kMessages = 50;  // Of 500 bytes: two files of the log, three of a queue, one of the index, full.

void fill(FaultyStore& store, const std::string& topic = "Orders", int from = 0, int to = kMessages) {
  for (int i = from; i < to; ++i) {
    const std::string number = std::to_string(i);
    REQUIRE(store.put(topic, 0, "order " + number + std::string(500, '.'), "KEYS\x01key" + number + "\x02").stored());
  }
  store.await_dispatch();
}

void check(FaultyStore& store, const std::string& topic = "Orders", int count = kMessages) {
  CHECK(store->max_offset(topic, 0) == count);
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    INFO(topic << " " << number);
    CHECK(store.body_at(topic, 0, i).starts_with("order " + number + "."));
    CHECK(store.bodies_by_key(topic, "key" + number).size() == 1);
  }
}

/// A kill some time after everything was durable, or a clean stop.
void leave(FaultyStore& store, bool crashed) {
  if (!crashed) return store.stop();
  store.make_durable();
  store.kill();
}

}  // namespace

TEST_CASE("a start after a clean stop reads no queue", "[store][fault]") {
  FaultyStore store;
  fill(store);
  fill(store, "Payments");
  store.restart();
  CHECK(store.disk().take_listed("/consumequeue/") == 0);
  check(store);
  check(store, "Payments");
  CHECK(store.put("Orders", 0, "next").queue_offset == kMessages);
  store.await_dispatch();
  CHECK(store.body_at("Orders", 0, kMessages) == "next");
  store.restart();
  CHECK(store.body_at("Orders", 0, kMessages) == "next");
}

TEST_CASE("a start after a kill reads no queue that has no newer file", "[store][fault]") {
  FaultyStore store;
  fill(store);
  fill(store, "Payments");
  store.make_durable();
  fill(store, "Orders", kMessages, kMessages + 5);
  (void)store.disk().take_listed("/consumequeue/");
  store.kill();
  store.start();
  CHECK(store.disk().take_listed("/consumequeue/Payments") == 0);
  check(store, "Orders", kMessages + 5);
  check(store, "Payments");
}

TEST_CASE("a start without ends that can be believed looks at every queue", "[store][fault]") {
  FaultyStore store;
  fill(store);
  store.clock().advance(std::chrono::seconds(1));
  const bool crashed = GENERATE(false, true);
  leave(store, crashed);
  SECTION("they are gone") { REQUIRE(store.disk().remove(kEnds).has_value()); }
  SECTION("they are damaged") { store.disk().damage(kEnds, 30, "x"); }
  SECTION("they are cut off") { REQUIRE(store.disk().truncate(kEnds, 60).has_value()); }
  SECTION("a Java broker was started in between") { store.disk().set_modified_ms("/store/lock", store.clock().now_ms() + 1); }
  SECTION("another program wrote the checkpoint") { store.disk().damage("/store/checkpoint", 7, "x"); }
  store.start();
  CHECK(store.disk().take_listed("/consumequeue/Orders") > 0);
  check(store);
  CHECK(store.put("Orders", 0, "next").queue_offset == kMessages);
}

TEST_CASE("a topic that was deleted stays away, though its records are the last ones", "[store][fault]") {
  FaultyStore store;
  fill(store);
  fill(store, "Payments");
  REQUIRE(eventually([&] { return store->flushed_physical_offset() == store->max_physical_offset(); }));
  store->delete_topic("Payments");
  SECTION("after a clean stop") { store.restart(); }
  SECTION("after a clean stop, without the ends") {
    store.stop();
    REQUIRE(store.disk().remove(kEnds).has_value());
    store.start();
  }
  SECTION("after a kill") {
    store.kill();
    store.start();
  }
  CHECK(store->max_offset("Payments", 0) == 0);
  CHECK(store->queues() == std::vector<QueueId>{{"Orders", 0}});
  check(store);
}

TEST_CASE("units of a topic that was made again are not taken for those it had before", "[store][fault]") {
  FaultyStore store;
  fill(store, "Payments", 0, 4);
  store.make_durable();  // The ends know four units of it.
  const std::string ends = *store.disk().read_all(kEnds), checkpoint = *store.disk().read_all("/store/checkpoint");
  fill(store, "Payments", 4, 6);
  store.clock().advance(std::chrono::seconds(1));
  const std::int64_t end = store->max_physical_offset();
  store->delete_topic("Payments");
  fill(store, "Payments", 20, 30);
  store.kill();
  // Their pages in the queue have reached the disk, their records have not, and so no newer ends.
  REQUIRE(store.disk().write_all(kEnds, ends, true).has_value());
  REQUIRE(store.disk().write_all("/store/checkpoint", checkpoint, true).has_value());
  store.disk().damage("/store/commitlog/00000000000000000000", end, std::string(7'000, '\0'));
  store.start();
  REQUIRE(store->max_offset("Payments", 0) == 6);
  CHECK(store->min_offset("Payments", 0) == 0);
  for (int i = 0; i < 6; ++i) CHECK(store.body_at("Payments", 0, i).starts_with("order " + std::to_string(i) + "."));
}

TEST_CASE("a queue that cannot be used as it is, is made again", "[store][fault]") {
  FaultyStore store;
  fill(store);
  fill(store, "Payments");
  const bool crashed = GENERATE(false, true);
  const bool known = GENERATE(false, true);
  if (crashed) {
    store.make_durable();
    store.kill();
  } else {
    store.clock().advance(std::chrono::seconds(1));
    store.stop();
  }
  if (!known) REQUIRE(store.disk().remove(kEnds).has_value());
  store.clock().advance(std::chrono::seconds(1));
  SECTION("the first file is missing, and the ends say that it was there") {
    REQUIRE(store.disk().remove(kFirstUnits).has_value());
    if (!known) return;  // Nobody knows that there was one; its messages may have expired.
  }
  SECTION("a file in the middle is missing") {
    REQUIRE(store.disk().remove("/store/consumequeue/Orders/0/00000000000000000400").has_value());
  }
  SECTION("a file has another size than the others") {
    REQUIRE(store.disk().truncate("/store/consumequeue/Orders/0/00000000000000000800", 100).has_value());
  }
  SECTION("all files have another size") {
    for (const char* name : {"00000000000000000000", "00000000000000000400", "00000000000000000800"})
      REQUIRE(store.disk().truncate(std::string("/store/consumequeue/Orders/0/") + name, 200).has_value());
  }
  SECTION("the last units are zeros") {
    store.disk().damage("/store/consumequeue/Orders/0/00000000000000000800", 0, std::string(200, '\0'));
    if (!known && !crashed) return;  // Nobody knows that there were units: that is where the queue ends.
  }
  SECTION("the whole folder is gone") {
    REQUIRE(store.disk().remove_folder("/store/consumequeue/Orders", true).has_value());
    if (!known) return;
  }
  SECTION("junk lies beside its files") {
    REQUIRE(store.disk().write_all("/store/consumequeue/Orders/0/notes.txt", "mine", true).has_value());
    REQUIRE(store.disk().write_all("/store/consumequeue/Orders/README", "mine", true).has_value());
    REQUIRE(store.disk().write_all("/store/consumequeue/README", "mine", true).has_value());
  }
  const bool junk = store.disk().exists("/store/consumequeue/README");
  store.start();
  check(store);
  check(store, "Payments");
  CHECK(store.disk().exists("/store/consumequeue/README") == junk);
  CHECK(store.disk().exists("/store/consumequeue/Orders/0/notes.txt") == junk);
  CHECK(store.put("Orders", 0, "next").queue_offset == kMessages);
  store.await_dispatch();
  CHECK(store.body_at("Orders", 0, kMessages) == "next");
}

TEST_CASE("an index file that cannot be used as it is, is made again", "[store][fault]") {
  FaultyStore store;
  fill(store);
  fill(store, "Payments");
  const auto names = *store.disk().list("/store/index");
  REQUIRE(names.size() == 3);  // Of 49 keys each.
  const bool crashed = GENERATE(false, true);
  leave(store, crashed);
  const std::string path = "/store/index/" + names[GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2})];
  SECTION("it is missing") { REQUIRE(store.disk().remove(path).has_value()); }
  SECTION("it has another size") { REQUIRE(store.disk().truncate(path, 50).has_value()); }
  SECTION("its header is zeros") { store.disk().damage(path, 0, std::string(40, '\0')); }
  REQUIRE(store.disk().write_all("/store/index/notes.txt", "mine", true).has_value());
  store.start();
  check(store);
  check(store, "Payments");
  CHECK(store.disk().exists("/store/index/notes.txt"));
}

TEST_CASE("a queue whose messages have all expired keeps its place when it is made again", "[store][fault]") {
  FaultyStore store([](MessageStoreOptions& options) { options.file_reserved_hours = 1; });
  fill(store, "Orders", 0, 3);
  fill(store, "Payments");
  store.clock().advance(std::chrono::hours(2));
  REQUIRE(store->delete_expired_files());
  REQUIRE(store->min_offset("Orders", 0) == 3);
  store.restart();
  store.clock().advance(std::chrono::seconds(1));
  store.stop();
  REQUIRE(store.disk().remove_folder("/store/consumequeue/Orders/0", true).has_value());
  store.start();
  CHECK(store->max_offset("Orders", 0) == 3);
  CHECK(store.put("Orders", 0, "next").queue_offset == 3);
}

TEST_CASE("units that come after their records were removed are below the min offset", "[store][fault]") {
  FaultyStore store([](MessageStoreOptions& options) {
    options.file_reserved_hours = 1;
    options.index_entries = 12;
  });
  fill(store, "Orders", 0, 10);
  store.disk().hold_allocations_of("/index/");  // Where the dispatcher waits with much of the log's first file in its hands.
  for (int i = 10; i < kMessages; ++i) {
    const std::string body(507, '.');
    const std::string properties = "KEYS\x01key" + std::to_string(i) + "\x02";
    const PutMessage message = faulty_message("Orders", 0, body, properties);
    REQUIRE(store->append({&message, 1}).stored());
  }
  store->publish(false);
  REQUIRE(eventually([&] { return store.disk().held_allocations() > 0; }));
  store.clock().advance(std::chrono::hours(2));
  std::thread removal([&] { CHECK(store->delete_expired_files()); });
  CHECK(eventually([&] { return store->min_offset("Orders", 0) > 0; }));
  store.disk().hold_allocations_of("");
  removal.join();
  store.await_dispatch();
  const auto first = [&] { return store->queue_entry("Orders", 0, store->min_offset("Orders", 0)); };
  SECTION("after a clean stop") { store.restart(); }
  SECTION("after a kill") {
    store.make_durable();
    store.kill();
    store.start();
  }
  REQUIRE(first());
  CHECK(first()->physical_offset == store->min_physical_offset());
  CHECK(store->max_offset("Orders", 0) == kMessages);
}

}  // namespace skylark::broker
