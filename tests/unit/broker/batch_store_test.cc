// SPDX-License-Identifier: Apache-2.0
// Topics of type BatchCQ: records that hold several messages, with a queue offset for each.
#include <map>
#include <mutex>
#include <set>

#include "base/error.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/unit/broker/message_store_fixture.h"

namespace skylark::broker {
namespace {

constexpr std::string_view kTopic = "Ledger";

void with_batch_topics(MessageStoreOptions& options) {
  options.batch_queue_file_size = 20 * 46;
  options.is_batch_topic = [](std::string_view topic) -> std::optional<bool> { return topic == kTopic; };
}

std::string batch_body(std::int32_t count) {
  std::string body;
  for (std::int32_t i = 0; i < count; ++i) encode_batch_item({.flag = i, .body = "entry", .properties = ""}, body);
  return body;
}

std::string number_of(std::int32_t count) {
  std::string properties;
  append_property(properties, property::kInnerNumber, std::to_string(count));
  return properties;
}

PutResult put_batch(MessageStore& store, std::int32_t count, std::string_view topic = kTopic) {
  const std::string body = batch_body(count);
  const std::string properties = number_of(count);
  PutMessage one = message(topic, 0, body, properties);
  one.fields.sys_flag = sys_flag::kInnerBatch | sys_flag::kNeedUnwrap;
  return store.put_sync(one);
}

/// Number of messages of each record, by the offset of the first.
std::map<std::int64_t, std::int32_t> records(MessageStore& store, std::string_view topic = kTopic) {
  std::map<std::int64_t, std::int32_t> found;
  std::int64_t offset = store.min_offset(topic, 0);
  while (offset < store.max_offset(topic, 0)) {
    const GetResult got = store.get({.topic = topic, .queue_id = 0, .queue_offset = offset, .message_count_max = 1});
    REQUIRE(got.status == GetStatus::found);
    REQUIRE(got.slices.size() == 1);
    const auto record = decode_record(got.slices.front().bytes);
    REQUIRE(record.has_value());
    found[record->queue_offset] = got.message_count;
    offset = got.next_begin_offset;
  }
  return found;
}

}  // namespace

TEST_CASE("an inner batch takes an offset for each message and says the first in its properties", "[store][batch]") {
  StoreFixture store(with_batch_topics);
  CHECK(put_batch(store.store(), 4).queue_offset == 0);
  CHECK(store.put(kTopic, 0, "plain").queue_offset == 4);
  const PutResult second = put_batch(store.store(), 3);
  CHECK(second.queue_offset == 5);
  CHECK(second.message_ids.find(',') == std::string::npos);
  store.await_dispatch();
  CHECK(store->max_offset(kTopic, 0) == 8);
  CHECK(records(store.store()) == std::map<std::int64_t, std::int32_t>{{0, 4}, {4, 1}, {5, 3}});

  const auto slice = store->record_at(second.physical_offset, 0);
  REQUIRE(slice.has_value());
  CHECK(static_cast<std::int64_t>(slice->bytes.size()) == second.record_size);
  const auto record = decode_record(slice->bytes);
  REQUIRE(record.has_value());
  CHECK(record->property(property::kInnerBase) == "5");
  CHECK(record->property(property::kInnerNumber) == "3");
  CHECK(record->body == batch_body(3));
  CHECK(store.files().exists(store.root() + "/batchconsumequeue/Ledger/0/00000000000000000000"));
  CHECK_FALSE(store.files().exists(store.root() + "/consumequeue/Ledger"));
}

TEST_CASE("what contradicts the type of its topic is illegal and leaves nothing behind", "[store][batch]") {
  StoreFixture store(with_batch_topics);
  CHECK(put_batch(store.store(), 4, "Orders").status == PutStatus::message_illegal);
  CHECK(store.put("Orders", 0, "body", number_of(2)).status == PutStatus::message_illegal);
  CHECK(store.put(kTopic, 0, "body", number_of(2)).status == PutStatus::message_illegal);
  CHECK(put_batch(store.store(), 0).status == PutStatus::message_illegal);
  CHECK(put_batch(store.store(), 32'768).status == PutStatus::message_illegal);
  std::string long_properties = number_of(2);
  append_property(long_properties, "filler", std::string(32'767 - 28 - long_properties.size(), 'x'));
  PutMessage full = message(kTopic, 0, "body", long_properties);
  full.fields.sys_flag = sys_flag::kInnerBatch;
  CHECK(store->put_sync(full).status == PutStatus::message_illegal);
  CHECK(store->max_physical_offset() == 0);
}

TEST_CASE("a pull counts messages, and gives a whole record however few are wanted", "[store][batch]") {
  StoreFixture store(with_batch_topics);
  for (int i = 0; i < 5; ++i) CHECK(put_batch(store.store(), 4).status == PutStatus::ok);
  store.await_dispatch();
  const auto pull = [&](std::int64_t offset, std::int32_t count_max) {
    return store->get({.topic = kTopic, .queue_id = 0, .queue_offset = offset, .message_count_max = count_max});
  };
  CHECK(pull(0, 1).message_count == 4);
  CHECK(pull(0, 7).message_count == 4);
  CHECK(pull(0, 8).message_count == 8);
  const GetResult middle = pull(6, 4);
  CHECK(middle.message_count == 4);
  CHECK(middle.next_begin_offset == 8);
  CHECK(pull(20, 4).status == GetStatus::offset_overflow_one);
  CHECK(pull(0, 32).message_count == 20);
}

TEST_CASE("batches are there again after a stop, and offsets go on behind them", "[store][batch]") {
  StoreFixture store(with_batch_topics);
  for (int i = 0; i < 100; ++i) CHECK(put_batch(store.store(), 1 + i % 5).status == PutStatus::ok);
  store.await_dispatch();
  const auto before = records(store.store());
  CHECK(before.size() == 100);
  SECTION("a clean one") { store.restart(); }
  SECTION("one that was not clean") {
    store.stop();
    REQUIRE(store.files().write_all(store.root() + "/abort", "1", true).has_value());
    store.start();
  }
  SECTION("one that was not clean, with the queue lost") {
    store.stop();
    REQUIRE(store.files().write_all(store.root() + "/abort", "1", true).has_value());
    REQUIRE(store.files().remove_folder(store.root() + "/batchconsumequeue", true).has_value());
    store.start();
  }
  CHECK(records(store.store()) == before);
  CHECK(put_batch(store.store(), 2).queue_offset == 300);
}

TEST_CASE("old batches go with their part of the log", "[store][batch]") {
  StoreFixture store(with_batch_topics);
  for (int i = 0; i < 600; ++i) CHECK(put_batch(store.store(), 2).status == PutStatus::ok);
  store.await_dispatch();
  store.clock().advance(std::chrono::hours(24 * 365 * 30));  // Files are as old as the real clock says they are.
  REQUIRE(store->delete_expired_files());
  const std::int64_t min = store->min_offset(kTopic, 0);
  CHECK(min > 0);
  CHECK(min % 2 == 0);
  const GetResult got = store->get({.topic = kTopic, .queue_id = 0, .queue_offset = min});
  CHECK(got.status == GetStatus::found);
  CHECK(store->get({.topic = kTopic, .queue_id = 0, .queue_offset = min - 1}).status == GetStatus::offset_too_small);
  CHECK_FALSE(store.files().exists(store.root() + "/batchconsumequeue/Ledger/0/00000000000000000000"));
  store->delete_topic(kTopic);
  CHECK_FALSE(store.files().exists(store.root() + "/batchconsumequeue/Ledger"));
  CHECK(put_batch(store.store(), 2).queue_offset == 0);
}

TEST_CASE("a listener is told the offset behind the whole batch", "[store][batch]") {
  StoreFixture store(with_batch_topics);
  std::mutex mutex;
  std::set<std::int64_t> next;
  store.prepare([&](MessageStore& prepared) {
    prepared.set_arrival_listener([&](const ArrivedMessage& arrived) {
      const std::scoped_lock lock(mutex);
      next.insert(arrived.next_queue_offset);
    });
  });
  store.restart();
  CHECK(put_batch(store.store(), 4).status == PutStatus::ok);
  CHECK(put_batch(store.store(), 3).status == PutStatus::ok);
  store.await_dispatch();
  const std::scoped_lock lock(mutex);
  CHECK(next == std::set<std::int64_t>{4, 7});
}

TEST_CASE("a replica lists what its master sends before it knows the topic", "[store][batch]") {
  StoreFixture master(with_batch_topics);
  StoreFixture replica([](MessageStoreOptions& options) {
    options.replica = true;
    options.batch_queue_file_size = 20 * 46;
  });
  const auto copy = [&] {
    master.await_dispatch();
    const std::int64_t from = replica->max_physical_offset();
    const auto bytes = master->log_bytes(from, 1 << 20);
    REQUIRE(bytes.has_value());
    REQUIRE(replica->append_replicated(from, bytes->bytes).has_value());
    replica.await_dispatch();
  };
  const bool plain_first = GENERATE(false, true);
  if (plain_first) {
    for (int i = 0; i < 3; ++i) CHECK(master.put(kTopic, 0, "plain").status == PutStatus::ok);
    copy();
    CHECK(replica->max_offset(kTopic, 0) == 3);
  }
  const bool known_meanwhile = GENERATE(false, true);
  if (known_meanwhile) {
    with_batch_topics(replica.options());
    replica.restart();
    CHECK(replica->max_offset(kTopic, 0) == (plain_first ? 3 : 0));
  }
  CHECK(put_batch(master.store(), 4).status == PutStatus::ok);
  CHECK(master.put(kTopic, 0, "plain").status == PutStatus::ok);
  copy();
  CHECK(records(replica.store()) == records(master.store()));
  with_batch_topics(replica.options());
  replica.restart();
  CHECK(records(replica.store()) == records(master.store()));
  CHECK_FALSE(replica.files().exists(replica.root() + "/consumequeue/Ledger"));
}

}  // namespace skylark::broker
