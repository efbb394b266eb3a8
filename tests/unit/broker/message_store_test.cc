// SPDX-License-Identifier: Apache-2.0
// What the broker relies on: messages go in, come out by queue, key, time and id, and are there again after a stop.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "broker/staged_puts.h"
#include "tests/support/catch.h"
#include "tests/support/code_filter.h"
#include "tests/support/eventually.h"
#include "tests/unit/broker/message_store_fixture.h"

namespace skylark::broker {
namespace {

std::string keys(std::string_view words) {
  std::string properties;
  append_property(properties, property::kKeys, words);
  return properties;
}

std::string tags(std::string_view tag) {
  std::string properties;
  append_property(properties, property::kTags, tag);
  return properties;
}

}  // namespace

TEST_CASE("a message is found at the queue offset that its put returned", "[store]") {
  StoreFixture store;
  const PutResult first = store.put("Orders", 1, "created");
  const PutResult second = store.put("Orders", 1, "paid");
  REQUIRE(first.status == PutStatus::ok);
  CHECK(first.queue_offset == 0);
  CHECK(second.queue_offset == 1);
  CHECK(second.physical_offset == first.physical_offset + first.record_size);
  CHECK(second.store_timestamp == store.clock().now_ms());

  store.await_dispatch();
  CHECK(store.bodies("Orders", 1) == std::vector<std::string>{"created", "paid"});
  CHECK(store->max_offset("Orders", 1) == 2);
  CHECK(store->min_offset("Orders", 1) == 0);
  CHECK(store->queues() == std::vector<QueueId>{{"Orders", 1}});
}

TEST_CASE("the message id leads to the record", "[store]") {
  StoreFixture store;
  store.put("Orders", 0, "other");
  const PutResult put = store.put("Orders", 0, "this one");
  const auto stored = store->record_at(put.physical_offset, 0);
  REQUIRE(stored.has_value());
  const auto id = parse_offset_message_id(make_offset_message_id(decode_record(stored->bytes)->store_host, put.physical_offset));
  REQUIRE(id.has_value());
  CHECK(id->physical_offset == put.physical_offset);
  const auto record = store->record_at(id->physical_offset, 0);
  REQUIRE(record.has_value());
  CHECK(decode_record(record->bytes)->body == "this one");
  // A client may send any offset.
  CHECK_FALSE(store->record_at(id->physical_offset + 1, 0).has_value());
  CHECK_FALSE(store->record_at(-1, 0).has_value());
  CHECK_FALSE(store->record_at(1'000'000'000'000, 0).has_value());
  CHECK_FALSE(store->record_at(INT64_MAX, 0).has_value());
  CHECK_FALSE(store->record_at(INT64_MAX - 10, 0).has_value());
  CHECK_FALSE(store->record_at(INT64_MIN, 0).has_value());
}

TEST_CASE("a batch gets consecutive offsets and an id for each message", "[store]") {
  StoreFixture store;
  store.put("Orders", 0, "before");
  const std::vector<PutMessage> batch{message("Orders", 0, "one"), message("Orders", 0, "two"), message("Orders", 0, "three")};
  PutResult put;
  store->put_batch(batch, [&](const PutResult& result) { put = result; });
  REQUIRE(put.status == PutStatus::ok);
  CHECK(put.queue_offset == 1);
  CHECK(std::count(put.message_ids.begin(), put.message_ids.end(), ',') == 2);
  store.await_dispatch();
  CHECK(store.bodies("Orders", 0) == std::vector<std::string>{"before", "one", "two", "three"});
}

TEST_CASE("messages are there again after a clean stop", "[store]") {
  StoreFixture store;
  for (int i = 0; i < 100; ++i) REQUIRE(store.put("Orders", i % 4, "body " + std::to_string(i)).status == PutStatus::ok);
  CHECK(store.files().exists(store.root() + "/abort"));
  store.stop();
  CHECK_FALSE(store.files().exists(store.root() + "/abort"));
  store.start();
  CHECK(store.bodies("Orders", 2).size() == 25);
  CHECK(store.bodies("Orders", 3).back() == "body 99");
  CHECK(store.put("Orders", 3, "later").queue_offset == 25);
}

TEST_CASE("what breaks a limit is illegal and leaves nothing behind", "[store]") {
  StoreFixture store([](MessageStoreOptions& options) { options.message_size_max = 1000; });
  CHECK(store.put("Orders", 0, std::string(1000, 'x')).status == PutStatus::ok);
  const std::int64_t end = store->max_physical_offset();
  CHECK(store.put("Orders", 0, std::string(1001, 'x')).status == PutStatus::message_illegal);
  CHECK(store.put("Orders", 0, "x", std::string(32768, 'p')).status == PutStatus::message_illegal);
  CHECK(store.put(std::string(128, 't'), 0, "x").status == PutStatus::message_illegal);
  CHECK(store.put("", 0, "x").status == PutStatus::message_illegal);
  CHECK(store.put("Orders", -1, "x").status == PutStatus::message_illegal);
  CHECK(store.put("Orders", 0, "x", std::string(32000, 'p')).status == PutStatus::message_illegal);  // Longer than a log file.
  CHECK(store->max_physical_offset() == end);
  CHECK(store.put("%RETRY%" + std::string(140, 'g'), 0, "x").status == PutStatus::ok);
}

TEST_CASE("a pull says what it met", "[store]") {
  StoreFixture store;
  for (int i = 0; i < 10; ++i) store.put("Orders", 0, std::to_string(i));
  store.await_dispatch();
  const auto get = [&](std::string_view topic, std::int64_t offset) {
    return store->get({.topic = topic, .queue_id = 0, .queue_offset = offset});
  };
  CHECK(get("Nothing", 5).status == GetStatus::no_message_in_queue);
  CHECK(get("Nothing", 5).next_begin_offset == 0);
  CHECK(get("Orders", 10).status == GetStatus::offset_overflow_one);
  CHECK(get("Orders", 10).next_begin_offset == 10);
  CHECK(get("Orders", 11).status == GetStatus::offset_overflow_badly);
  CHECK(get("Orders", 11).next_begin_offset == 10);
  CHECK(get("Orders", -1).status == GetStatus::offset_too_small);
  CHECK(get("Orders", -1).next_begin_offset == 0);
  const GetResult found = get("Orders", 4);
  CHECK(found.status == GetStatus::found);
  CHECK(found.message_count == 6);
  CHECK(found.next_begin_offset == 10);
  CHECK(found.max_offset == 10);
  CHECK(found.slices.size() == 1);  // Neighbours in one file.
}

TEST_CASE("records that lie apart go out one by one, with one pin for each file", "[store]") {
  StoreFixture store;
  constexpr int kCount = 24;
  for (int i = 0; i < kCount; ++i) {  // Of 2 KB, two queues in turn: several files of 16 KB.
    store.put("Orders", i % 2, std::to_string(i) + std::string(2'000, '.'));
  }
  store.await_dispatch();
  const GetResult found = store->get({.topic = "Orders", .queue_id = 1, .queue_offset = 0});
  CHECK(found.message_count == kCount / 2);
  REQUIRE(found.slices.size() == kCount / 2);
  int pins = 0;
  std::int64_t offset = 0;
  for (const PinnedSlice& slice : found.slices) {
    if (slice.pin) ++pins;
    const auto record = decode_record(slice.bytes);
    REQUIRE(record);
    CHECK(record->queue_offset == offset++);
  }
  CHECK(found.slices.front().pin);
  CHECK(pins == 1 + static_cast<int>(store->max_physical_offset() / store->log_file_size()));
}

TEST_CASE("a pull is bounded by count and by bytes, but never empty for it", "[store]") {
  StoreFixture store([](MessageStoreOptions& options) { options.transfer_bytes_max = 3000; });
  for (int i = 0; i < 40; ++i) store.put("Orders", 0, "small");
  for (int i = 0; i < 3; ++i) store.put("Orders", 1, std::string(4000, 'x'));
  store.await_dispatch();
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .message_count_max = 5}).message_count == 5);
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .message_count_max = 1000}).size_bytes <= 3000);
  const GetResult large = store->get({.topic = "Orders", .queue_id = 1, .queue_offset = 0});
  CHECK(large.message_count == 1);
  CHECK(large.next_begin_offset == 1);
}

TEST_CASE("of messages far behind the end a pull takes fewer", "[store]") {
  StoreFixture store([](MessageStoreOptions& options) {
    options.memory_ratio = 0;  // All are.
    options.transfer_bytes_cold_max = 9000;
  });
  for (int i = 0; i < 40; ++i) store.put("Orders", 0, "small");
  for (int i = 0; i < 4; ++i) store.put("Orders", 1, std::string(4000, 'x'));
  store.await_dispatch();
  const GetResult many = store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0});
  CHECK(many.message_count == 8);
  CHECK(many.suggest_slave);
  CHECK(store->get({.topic = "Orders", .queue_id = 1, .queue_offset = 0}).message_count == 2);
}

TEST_CASE("a filter passes over other tags and says where it came to", "[store]") {
  StoreFixture store;
  for (int i = 0; i < 50; ++i) store.put("Orders", 0, std::to_string(i), tags(i % 10 == 3 ? "wanted" : "other"));
  store.await_dispatch();
  const CodeFilter wanted(tags_code("wanted"));
  const GetResult found = store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .message_count_max = 32, .filter = &wanted});
  CHECK(found.status == GetStatus::found);
  CHECK(found.message_count == 5);
  CHECK(found.next_begin_offset == 50);
  const CodeFilter none(tags_code("nobody's"));
  const GetResult nothing = store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .message_count_max = 32, .filter = &none});
  CHECK(nothing.status == GetStatus::no_matched_message);
  CHECK(nothing.next_begin_offset == 50);
}

TEST_CASE("messages are found by key and time", "[store]") {
  StoreFixture store;
  for (int i = 0; i < 60; ++i) {
    store.put("Orders", 0, std::to_string(i), keys("id" + std::to_string(i) + " all"));
    store.clock().advance(std::chrono::seconds(1));
  }
  store.await_dispatch();
  const auto found = [&](std::string_view key, std::int64_t begin, std::int64_t end) {
    std::vector<std::string> bodies;
    for (const auto& record : store->query_by_key("Orders", key, 32, begin, end).records)
      bodies.emplace_back(decode_record(record.bytes)->body);
    return bodies;
  };
  const std::int64_t now = store.clock().now_ms();
  CHECK(found("id17", 0, now) == std::vector<std::string>{"17"});
  CHECK(found("id1", 0, now) == std::vector<std::string>{"1"});
  CHECK(found("nobody", 0, now).empty());
  CHECK(found("all", now - 3000, now) == std::vector<std::string>{"57", "58", "59"});
  CHECK(found("all", 0, now).size() == 32);
}

TEST_CASE("offsets are found by time, at both ends of equal times", "[store]") {
  StoreFixture store;
  const std::int64_t begin = store.clock().now_ms();
  for (int i = 0; i < 60; ++i) {  // Two messages at each time, ten milliseconds apart.
    store.put("Orders", 0, std::to_string(i));
    if (i % 2 == 1) store.clock().advance(std::chrono::milliseconds(10));
  }
  store.await_dispatch();
  const auto lower = [&](std::int64_t time) { return store->offset_by_time("Orders", 0, begin + time, false); };
  const auto upper = [&](std::int64_t time) { return store->offset_by_time("Orders", 0, begin + time, true); };
  CHECK(lower(0) == 0);
  CHECK(upper(0) == 1);
  CHECK(lower(100) == 20);
  CHECK(upper(100) == 21);
  CHECK(lower(101) == 22);
  CHECK(upper(109) == 21);
  CHECK(lower(-1000) == 0);
  CHECK(upper(-1000) == 0);
  CHECK(lower(100'000) == 60);
  CHECK(upper(100'000) == 59);
  CHECK(store->offset_by_time("Nothing", 0, begin, false) == 0);
  CHECK(store->store_time("Orders", 0, 21) == begin + 100);
  CHECK(store->store_time("Orders", 0, 60) == -1);
  CHECK(store->store_time("Orders", 0, INT64_MAX) == -1);
  CHECK(store->offset_by_time("Orders", 0, INT64_MAX, false) == 60);
  CHECK(store->offset_by_time("Orders", 0, INT64_MIN, true) == 0);
}

TEST_CASE("the delay topic's queues hold the time when a message is due", "[store]") {
  StoreFixture store;
  std::string properties;
  append_property(properties, property::kDelay, "2");
  const PutResult put = store.put("SCHEDULE_TOPIC_XXXX", 1, "later", properties);
  store.await_dispatch();
  CHECK(store->queue_entry("SCHEDULE_TOPIC_XXXX", 1, 0)->tags_code == put.store_timestamp + 5000);
}

TEST_CASE("puts that go to the log together are stored or refused each for itself", "[store]") {
  StoreFixture store;
  store.put("Orders", 0, "before");
  StagedPuts puts;
  for (int round = 0; round < 2; ++round) {  // What is staged once leaves nothing behind.
    const std::int64_t base = round * 3;
    const auto message = [](std::string_view topic, std::int32_t queue_id, std::string_view body) {
      PutMessage put;
      put.fields.topic = topic;
      put.fields.queue_id = queue_id;
      put.fields.body = body;
      put.fields.store_host = *Host::parse("10.0.0.1:10911");
      return put;
    };
    puts.clear();
    const auto stage = [&](std::vector<PutMessage> messages) { store->stage(messages, puts); };
    stage({message("Orders", 0, "first")});
    stage({message("Orders", -1, "no queue")});
    stage({message("Orders", 0, "second"), message("Orders", 0, "third")});
    stage({message("Orders", 0, std::string(17'000, 'x'))});  // Larger than a file of the log.
    stage({});
    stage({message("Others", 3, "fourth")});
    store->append_staged(puts);
    store->publish(false);

    REQUIRE(puts.size() == 6);
    CHECK(puts.result(0).status == PutStatus::ok);
    CHECK(puts.result(0).queue_offset == base + 1);
    CHECK(puts.result(1).status == PutStatus::message_illegal);
    CHECK(puts.result(2).status == PutStatus::ok);
    CHECK(puts.result(2).queue_offset == base + 2);
    CHECK(std::ranges::count(puts.result(2).message_ids, ',') == 1);
    CHECK(puts.result(3).status == PutStatus::message_illegal);
    CHECK(puts.result(4).status == PutStatus::message_illegal);
    CHECK(puts.result(5).status == PutStatus::ok);
    CHECK(puts.result(5).queue_offset == round);
    CHECK(puts.result(5).message_ids.empty());
    CHECK(puts.result(5).physical_offset == puts.result(2).physical_offset + puts.result(2).record_size);
  }
  store.await_dispatch();
  CHECK(store.bodies("Orders", 0) == std::vector<std::string>{"before", "first", "second", "third", "first", "second", "third"});
  CHECK(store.bodies("Others", 3) == std::vector<std::string>{"fourth", "fourth"});

  store->stop();
  puts.clear();
  PutMessage late;
  late.fields.topic = "Orders";
  late.fields.body = "late";
  store->stage({&late, 1}, puts);
  store->append_staged(puts);
  CHECK(puts.result(0).status == PutStatus::service_not_available);
}

TEST_CASE("a second store in the same folder does not start", "[store]") {
  StoreFixture store;
  auto second = make_message_store(store.options(), store.files(), store.clock());
  CHECK(second->start().error() == Errc::already_running);
  second.reset();
  CHECK(store.put("Orders", 0, "the first one goes on").status == PutStatus::ok);
}

TEST_CASE("a log grows into a second folder and is one log", "[store]") {
  StoreFixture store;
  store.put("Orders", 0, "first");
  store.stop();
  store.options().commit_log_path = store.root() + "/commitlog," + store.root() + "/more";
  store.start();
  std::vector<std::string> sent{"first"};
  const std::string more = store.root() + "/more";
  while (store.files().list(more)->empty()) {
    sent.push_back(std::to_string(sent.size()) + std::string(5000, 'x'));
    REQUIRE(store.put("Orders", 0, sent.back()).status == PutStatus::ok);
  }
  store.restart();
  CHECK(store.bodies("Orders", 0) == sent);
}

TEST_CASE("removed topics are gone, others stay", "[store]") {
  StoreFixture store;
  for (const char* topic : {"Orders", "Payments", "Trash"}) store.put(topic, 0, "x");
  store.await_dispatch();
  CHECK(store->delete_topics_except({"Orders", "Payments", "Unknown"}) == 1);
  store->delete_topic("Payments");
  CHECK(store->queues() == std::vector<QueueId>{{"Orders", 0}});
  CHECK_FALSE(store.files().exists(store.root() + "/consumequeue/Trash"));
  store.put("Orders", 0, "y");
  store.restart();
  CHECK(store->queues() == std::vector<QueueId>{{"Orders", 0}});
}

TEST_CASE("old files go with the queue entries and keys that point into them", "[store]") {
  StoreFixture store;
  for (int i = 0; i < 100; ++i) store.put("Orders", 0, std::string(800, 'x'), keys("id" + std::to_string(i)));
  store.await_dispatch();
  CHECK_FALSE(store->delete_expired_files());
  store.clock().advance(std::chrono::hours(24 * 365 * 30));  // Files are as old as the real clock says they are.
  CHECK(store->delete_expired_files());
  const std::int64_t min = store->min_offset("Orders", 0);
  CHECK(min > 0);
  CHECK(store->min_physical_offset() > 0);
  CHECK(store->max_offset("Orders", 0) == 100);
  CHECK(store.bodies("Orders", 0).size() == static_cast<std::size_t>(100 - min));
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0}).status == GetStatus::offset_too_small);
  CHECK(store->query_by_key("Orders", "id0", 32, 0, INT64_MAX).records.empty());
  for (const bool upper : {false, true}) {  // All messages are of one time: what is gone is never named.
    CHECK(store->offset_by_time("Orders", 0, 0, upper) == min);
    CHECK(store->offset_by_time("Orders", 0, INT64_MAX, upper) == (upper ? 99 : 100));
  }
  store.restart();
  CHECK(store->min_offset("Orders", 0) == min);
  CHECK(store.put("Orders", 0, "next").queue_offset == 100);
}

TEST_CASE("a replica takes its master's bytes and serves the same messages", "[store]") {
  StoreFixture master;
  for (int i = 0; i < 100; ++i)
    master.put("Orders", i % 2, "body " + std::to_string(i) + std::string(300, '.'), keys("k" + std::to_string(i)));
  StoreFixture replica([](MessageStoreOptions& options) { options.replica = true; });
  CHECK(replica.put("Orders", 0, "refused").status == PutStatus::service_not_available);
  while (replica->max_physical_offset() < master->max_physical_offset()) {
    const auto bytes = master->log_bytes(replica->max_physical_offset(), 777);
    REQUIRE(bytes.has_value());
    REQUIRE(replica->append_replicated(replica->max_physical_offset(), bytes->bytes).has_value());
  }
  replica.await_dispatch();
  master.await_dispatch();
  CHECK(replica.bodies("Orders", 0) == master.bodies("Orders", 0));
  CHECK(replica.bodies("Orders", 1) == master.bodies("Orders", 1));
  CHECK(replica->query_by_key("Orders", "k42", 32, 0, INT64_MAX).records.size() == 1);
  CHECK(replica->append_replicated(5, "x").error() == Errc::out_of_range);
  replica.restart();
  CHECK(replica.bodies("Orders", 1) == master.bodies("Orders", 1));
  CHECK(replica->max_physical_offset() == master->max_physical_offset());
}

TEST_CASE("a replica forgets a record of which only a part arrived", "[store]") {
  StoreFixture master;
  const PutResult first = master.put("Orders", 0, "whole");
  const PutResult second = master.put("Orders", 0, "in part");
  StoreFixture replica([](MessageStoreOptions& options) { options.replica = true; });
  const auto bytes = master->log_bytes(0, static_cast<std::size_t>(second.physical_offset + 20));
  REQUIRE(replica->append_replicated(0, bytes->bytes).has_value());
  CHECK(eventually([&] { return replica->max_offset("Orders", 0) == 1; }));
  replica.restart();
  CHECK(replica->max_physical_offset() == first.record_size);
}

TEST_CASE("a topic that would lead out of the store's folder gets no queue", "[store]") {
  StoreFixture store;
  REQUIRE(store.put("../../outside", 0, "x").status == PutStatus::ok);
  store.put("Orders", 0, "x");
  store.await_dispatch();
  CHECK(store->queues() == std::vector<QueueId>{{"Orders", 0}});
  CHECK_FALSE(store.files().exists(store.root() + "/../outside"));
}

TEST_CASE("a put that needs replicas waits for as many as are needed", "[store]") {
  StoreFixture store;
  store->set_replica_acks_needed(2);
  std::atomic<int> status{-1};
  const auto put = [&](bool wait) {
    status = -1;
    PutMessage wanted = message("Orders", 0, "x");
    wanted.wait_store_ok = wait;
    store->put(wanted, [&](const PutResult& result) { status = static_cast<int>(result.status); });
  };
  put(false);
  CHECK(status == static_cast<int>(PutStatus::ok));  // WAIT=false waits for nobody.

  put(true);
  CHECK(status == -1);
  const std::int64_t end = store->max_physical_offset();
  store->update_replica_acks(std::vector<std::int64_t>{end});
  store->update_replica_acks(std::vector<std::int64_t>{end, end - 1});
  CHECK(status == -1);
  store->update_replica_acks(std::vector<std::int64_t>{0, end, end});
  CHECK(status == static_cast<int>(PutStatus::ok));

  put(true);
  store.clock().advance(std::chrono::milliseconds(store.options().slave_timeout_ms));
  CHECK(eventually([&] { return status == static_cast<int>(PutStatus::flush_slave_timeout); }));
  CHECK(eventually([&] { return store->max_offset("Orders", 0) == 3; }));  // Stored all the same.
}

TEST_CASE("a stop answers puts that still wait", "[store]") {
  StoreFixture store;
  store->set_replica_acks_needed(1);
  std::atomic<int> status{-1};
  const PutMessage wanted = message("Orders", 0, "x");
  store->put(wanted, [&](const PutResult& result) { status = static_cast<int>(result.status); });
  CHECK(status == -1);
  store.stop();
  CHECK(status == static_cast<int>(PutStatus::flush_slave_timeout));
}

TEST_CASE("under SYNC_FLUSH an answer means that the message is on disk", "[store]") {
  StoreFixture store([](MessageStoreOptions& options) { options.sync_flush = true; });
  for (int i = 0; i < 20; ++i) {
    const PutResult put = store.put("Orders", 0, std::to_string(i));
    REQUIRE(put.status == PutStatus::ok);
    CHECK(store->flushed_physical_offset() >= put.physical_offset + put.record_size);
  }
  store.await_dispatch();
  CHECK(store.bodies("Orders", 0).size() == 20);
}

}  // namespace skylark::broker
