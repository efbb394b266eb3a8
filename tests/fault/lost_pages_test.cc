// SPDX-License-Identifier: Apache-2.0
// Pages that never reached the disk, one case for each way in which one showed through after a power cut.
#include <algorithm>

#include "base/bytes.h"
#include "broker/json_file.h"
#include "consumequeue/simple_consume_queue.h"
#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

constexpr const char* kFirstLogFile = "/store/commitlog/00000000000000000000";
constexpr std::int64_t kQueueFileSize = 20 * consumequeue::kUnitSize;

}  // namespace

TEST_CASE("what recovery cut off is gone for good, not until the next power cut", "[store][fault]") {
  const std::uint64_t seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{8}));
  FaultyStore store([](MessageStoreOptions& options) { options.sync_flush = true; });
  store.put("Orders", 0, "first");
  const PutResult bad = store.put("Orders", 0, "second");
  store.put("Orders", 0, std::string(9000, 'x'));
  store.cut_power(seed);  // After a kill what follows the bad record would prove that it is damage.
  store.disk().damage(kFirstLogFile, static_cast<std::size_t>(bad.physical_offset), std::string(8, '\x7f'));
  store.start();
  REQUIRE(store->max_physical_offset() == bad.physical_offset);

  store.cut_power(seed);

  const auto bytes = store.disk().read_all(kFirstLogFile);
  REQUIRE(bytes.has_value());
  CHECK(std::all_of(bytes->begin() + bad.physical_offset, bytes->end(), [](char byte) { return byte == '\0'; }));
  store.start();
}

TEST_CASE("a record whose properties end in a lost sector is no record", "[store][fault]") {
  const std::int64_t kept = GENERATE(512, 1024, 1536);
  FaultyStore store;
  const std::string properties = "KEYS\x01order1\x02" + ("note\x01" + std::string(1800, 'n')) + "\x02";
  const PutResult torn = store.put("Orders", 0, "body", properties);
  store.kill();
  store.disk().damage(kFirstLogFile, static_cast<std::size_t>(kept), std::string(static_cast<std::size_t>(torn.record_size - kept), '\0'));
  store.start();
  CHECK(store->max_physical_offset() == 0);
  CHECK(store->max_offset("Orders", 0) == 0);
  CHECK(store.put("Orders", 0, "again", properties).physical_offset == 0);
}

TEST_CASE("properties may end in zeros when something follows them", "[store][fault]") {
  FaultyStore store;
  store.put("Orders", 0, "body", "note\x01" + std::string(600, '\0'));
  store.put("Orders", 0, "behind it");
  store.kill();
  store.start();
  CHECK(store->max_offset("Orders", 0) == 2);
  CHECK(store.body_at("Orders", 0, 1) == "behind it");
}

TEST_CASE("expired log files stay away after a power cut", "[store][fault]") {
  const std::uint64_t seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{8}));
  FaultyStore store([](MessageStoreOptions& options) { options.file_reserved_hours = 1; });
  for (int i = 0; i < 80; ++i) store.put("Orders", 0, std::string(1000, 'x'));
  store.await_dispatch();
  store.clock().advance(std::chrono::hours(2));
  REQUIRE(store->delete_expired_files());
  const std::int64_t begin = store->min_physical_offset();
  REQUIRE(begin > 0);
  store.cut_power(seed);
  store.start();
  CHECK(store->min_physical_offset() == begin);
}

TEST_CASE("a start that cuts queues back takes back what the checkpoint said of them", "[store][fault]") {
  FaultyStore store;
  for (int i = 0; i < 40; ++i) {
    store.put("Orders", 0, std::string(900, 'x'));
    store.clock().advance(std::chrono::seconds(1));
  }
  store.await_dispatch();
  const std::int64_t log_ms = store.clock().now_ms() - 20'000;
  const std::int64_t queues_ms = store.clock().now_ms();
  store.kill();
  std::string times;
  append_be(times, log_ms);
  append_be(times, queues_ms);
  store.disk().damage("/store/checkpoint", 0, times);
  store.start();  // Enters the last twenty again, from the log.
  store.cut_power(1);
  const auto checkpoint = store.disk().read_all("/store/checkpoint");
  REQUIRE(checkpoint.has_value());
  CHECK(load_be<std::int64_t>(checkpoint->data() + 8) <= log_ms);
  store.start();
}

TEST_CASE("a consume queue that begins anew before its dirty part is flushed from there on", "[consumequeue][fault]") {
  const std::uint64_t seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{8}));
  ManualClock clock;
  FaultyFileSystem disk(clock);
  consumequeue::SimpleConsumeQueue queue(disk, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(queue.load().has_value());
  REQUIRE(queue.append({.physical_offset = 100, .size = 50, .tags_code = 0}, 45).has_value());  // Its first file begins at 40.
  REQUIRE(queue.append({.physical_offset = 200, .size = 50, .tags_code = 0}, 0).has_value());   // The topic was deleted and made again.
  REQUIRE(queue.flush().has_value());

  const auto after = disk.after_power_cut(seed);

  consumequeue::SimpleConsumeQueue found(*after, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(found.load().has_value());
  REQUIRE(found.recover(true).has_value());
  CHECK(found.max_offset() == 1);
  CHECK(found.max_physical_offset() == 250);
}

TEST_CASE("units that were cut off a consume queue are gone from the disk when it is flushed", "[consumequeue][fault]") {
  const std::uint64_t seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{8}));
  ManualClock clock;
  FaultyFileSystem disk(clock);
  consumequeue::SimpleConsumeQueue queue(disk, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(queue.load().has_value());
  for (int i = 0; i < 10; ++i) REQUIRE(queue.append({.physical_offset = i * 50, .size = 50, .tags_code = 0}, i).has_value());
  REQUIRE(queue.flush().has_value());
  REQUIRE(queue.truncate(400).has_value());  // The log lost the last two, and others will stand in their place.
  REQUIRE(queue.flush().has_value());

  const auto after = disk.after_power_cut(seed);

  consumequeue::SimpleConsumeQueue found(*after, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(found.load().has_value());
  REQUIRE(found.recover(true).has_value());
  CHECK(found.max_offset() == 8);
}

TEST_CASE("a queue whose messages have all expired begins at the next one", "[consumequeue][fault]") {
  ManualClock clock;
  FaultyFileSystem disk(clock);
  consumequeue::SimpleConsumeQueue queue(disk, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(queue.load().has_value());
  for (int i = 0; i < 30; ++i) REQUIRE(queue.append({.physical_offset = i * 50, .size = 50, .tags_code = 0}, i).has_value());
  queue.expire(5000);
  REQUIRE(queue.min_offset() == 30);
  REQUIRE(
      queue.append({.physical_offset = 6000, .size = 50, .tags_code = 0}, 35).has_value());  // 30 to 34 expired before they were entered.
  CHECK(queue.min_offset() == 35);
  REQUIRE(queue.flush().has_value());

  consumequeue::SimpleConsumeQueue found(disk, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(found.load().has_value());
  REQUIRE(found.recover(false).has_value());
  found.expire(5000);
  CHECK(found.min_offset() == 35);
}

TEST_CASE("a table of the broker is the old or the new one after a power cut", "[broker][fault]") {
  const std::uint64_t seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{16}));
  const std::string path = "/store/config/topics.json";
  ManualClock clock;
  FaultyFileSystem disk(clock);
  REQUIRE(write_json_file(disk, path, R"({"version":1})").has_value());
  const auto written = disk.after_power_cut(seed);
  const auto first = read_json_file(*written, path);
  REQUIRE(first.has_value());
  CHECK((*first)["version"].as_integer() == 1);

  REQUIRE(write_json_file(disk, path, R"({"version":2})").has_value());
  const auto replaced = disk.after_power_cut(seed);
  const auto second = read_json_file(*replaced, path);
  REQUIRE(second.has_value());
  CHECK((*second)["version"].as_integer() == 2);
}

}  // namespace skylark::broker
