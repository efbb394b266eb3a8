// SPDX-License-Identifier: Apache-2.0
// Queues of batch topics whose files are missing, cut or changed: made again from the log, or read around.
#include <fmt/core.h>

#include "tests/fault/filled_store.h"

namespace skylark::broker {
namespace {

constexpr std::string_view kTopic = "Ledger";
constexpr std::int32_t kRecords = 50;  // In three files of the queue; every second one holds three messages, the others one.
constexpr std::int32_t kMessagesOfAll = kRecords / 2 * 4;
constexpr const char* kEnds = "/store/storeends";

void with_batch_topics(MessageStoreOptions& options) {
  options.batch_queue_file_size = 20 * 46;
  options.is_batch_topic = [](std::string_view topic) -> std::optional<bool> { return topic == kTopic || topic == "Other"; };
}

std::string queue_file(std::int64_t first_unit, std::string_view topic = kTopic) {
  return fmt::format("/store/batchconsumequeue/{}/0/{}", topic, commitlog::mapped_file_name(first_unit * 46));
}

std::string body_of(std::int32_t record) { return std::to_string(record) + std::string(500, '.'); }
std::int64_t offset_of(std::int32_t record) { return record / 2 * 4 + record % 2 * 3; }

PutResult put_record(FaultyStore& store, std::int32_t record, std::string_view topic = kTopic) {
  const bool inner = record % 2 == 0;
  std::string body;
  for (int i = 0; inner && i < 3; ++i) encode_batch_item({.flag = i, .body = body_of(record), .properties = ""}, body);
  if (!inner) body = body_of(record);
  std::string properties;
  if (inner) append_property(properties, property::kInnerNumber, "3");
  PutMessage message = faulty_message(topic, 0, body, properties);
  if (inner) message.fields.sys_flag = sys_flag::kInnerBatch | sys_flag::kNeedUnwrap;
  const PutResult put = store->put_sync(message);
  REQUIRE(put.stored());
  CHECK(put.queue_offset == offset_of(record));
  return put;
}

void fill(FaultyStore& store, std::string_view topic = kTopic) {
  for (std::int32_t i = 0; i < kRecords; ++i) put_record(store, i, topic);
  store.await_dispatch();
}

/// Numbers of the records that a consumer gets from the beginning to the end; each must be where it belongs and hold what was sent.
std::vector<std::int32_t> pull_all(FaultyStore& store, std::string_view topic = kTopic) {
  std::vector<std::int32_t> read;
  std::int64_t offset = store->min_offset(topic, 0);
  while (offset < store->max_offset(topic, 0)) {
    const GetResult got = store->get({.topic = topic, .queue_id = 0, .queue_offset = offset});
    REQUIRE(got.next_begin_offset > offset);
    REQUIRE(got.next_begin_offset <= store->max_offset(topic, 0));
    offset = got.next_begin_offset;
    for (const PinnedSlice& slice : got.slices) {
      const auto records = decode_records(slice.bytes);
      REQUIRE(records.has_value());
      for (const MessageView& record : *records) {
        const auto number = static_cast<std::int32_t>(record.queue_offset / 4 * 2 + (record.queue_offset % 4 == 0 ? 0 : 1));
        CHECK(record.topic == topic);
        CHECK(record.queue_offset == offset_of(number));
        CHECK(record.body.find(body_of(number)) != std::string_view::npos);
        read.push_back(number);
      }
    }
  }
  return read;
}

std::vector<std::int32_t> all_but(const std::set<std::int32_t>& missing) {
  std::vector<std::int32_t> numbers;
  for (std::int32_t i = 0; i < kRecords; ++i) {
    if (!missing.contains(i)) numbers.push_back(i);
  }
  return numbers;
}

void end(FaultyStore& store, bool crashed) {
  if (crashed) {
    store.make_durable();
    store.kill();
    return;
  }
  store.clock().advance(std::chrono::seconds(1));
  store.stop();
}

}  // namespace

TEST_CASE("a batch queue that cannot be used as it is, is made again", "[store][batch][fault]") {
  FaultyStore store(with_batch_topics);
  fill(store);
  fill(store, "Other");
  const bool crashed = GENERATE(false, true);
  const bool known = GENERATE(false, true);
  end(store, crashed);
  if (!known) REQUIRE(store.disk().remove(kEnds).has_value());
  SECTION("the first file is missing, and the ends say that it was there") {
    REQUIRE(store.disk().remove(queue_file(0)).has_value());
    if (!known) return;  // Nobody knows that there was one; its messages may have expired.
  }
  SECTION("a file in the middle is missing") { REQUIRE(store.disk().remove(queue_file(20)).has_value()); }
  SECTION("the last file is missing, and the ends say that it was there") {
    REQUIRE(store.disk().remove(queue_file(40)).has_value());
    if (!known && !crashed) return;
  }
  SECTION("a file has another size than the others") { REQUIRE(store.disk().truncate(queue_file(40), 100).has_value()); }
  SECTION("a file is no whole number of units") {
    for (const std::int64_t first : {20, 40}) REQUIRE(store.disk().remove(queue_file(first)).has_value());
    REQUIRE(store.disk().truncate(queue_file(0), 100).has_value());
  }
  SECTION("all files have another size") {
    for (const std::int64_t first : {0, 20, 40}) REQUIRE(store.disk().truncate(queue_file(first), 460).has_value());
  }
  SECTION("the last units are zeros") {
    store.disk().damage(queue_file(40), 0, std::string(10 * 46, '\0'));
    if (!known && !crashed) return;  // Nobody knows that there were units: that is where the queue ends.
  }
  SECTION("its folder is gone") {
    REQUIRE(store.disk().remove_folder("/store/batchconsumequeue/Ledger", true).has_value());
    if (!known) return;
  }
  store.start();
  for (const std::string_view topic : {kTopic, std::string_view("Other")}) {
    INFO(topic);
    CHECK(store->min_offset(topic, 0) == 0);
    CHECK(store->max_offset(topic, 0) == kMessagesOfAll);
    CHECK(pull_all(store, topic) == all_but({}));
  }
  CHECK(store.disk().file_size(queue_file(0)) == 20 * 46);
  put_record(store, kRecords);
  store.await_dispatch();
  CHECK(store->max_offset(kTopic, 0) == kMessagesOfAll + 3);
  store.restart();
  CHECK(pull_all(store, "Other") == all_but({}));
  CHECK(pull_all(store).size() == kRecords + 1);
}

TEST_CASE("a torn inner batch goes with all its messages, at whatever byte before its properties it was torn", "[store][batch][fault]") {
  FaultyStore store(with_batch_topics);
  fill(store);
  store.make_durable();
  const PutResult last = put_record(store, kRecords);
  store.await_dispatch();
  store.kill();
  const std::int64_t file_size = store.options().commit_log_file_size;
  const std::string path = "/store/commitlog/" + commitlog::mapped_file_name(last.physical_offset - last.physical_offset % file_size);
  const auto position = static_cast<std::size_t>(last.physical_offset % file_size);
  const auto size = static_cast<std::size_t>(last.record_size);
  const auto image = store.disk().after_kill();
  const std::string bytes = image->read_all(path)->substr(position, size);
  const std::size_t properties_size = decode_record(bytes)->properties.size();
  for (std::size_t left = 0; left < size - properties_size - 2; ++left) {
    INFO(left << " bytes left");
    const auto disk = image->after_kill();
    disk->damage(path, position + left, std::string(size - left, '\0'));
    const auto torn = make_message_store(store.options(), *disk, store.clock());
    REQUIRE(torn->start().has_value());
    CHECK(torn->max_physical_offset() == last.physical_offset);
    CHECK(torn->max_offset(kTopic, 0) == kMessagesOfAll);
    torn->stop();
  }
  store.start();
  CHECK(store->max_offset(kTopic, 0) == kMessagesOfAll + 3);
}

TEST_CASE("a changed unit of a batch queue leads nobody back, astray, or to a wrong message", "[store][batch][fault]") {
  std::mt19937_64 random(seed_of_run());
  for (int round = 0; round < 30; ++round) {
    FaultyStore store(with_batch_topics);
    fill(store);
    end(store, round % 2 == 0);
    const auto unit = static_cast<std::int32_t>(random() % kRecords);
    const std::string path = queue_file(unit / 20 * 20);
    const std::size_t at = static_cast<std::size_t>(unit) % 20 * 46 + random() % 46;
    const int bit = static_cast<int>(random() % 8);
    store.disk().damage(path, at, std::string(1, static_cast<char>((*store.disk().read_all(path))[at] ^ (1 << bit))));
    INFO("bit " << bit << " at " << at << " of " << path);
    store.start();
    CHECK(store->max_offset(kTopic, 0) == kMessagesOfAll);
    std::vector<std::int32_t> read = pull_all(store);
    if (read.size() != kRecords) CHECK(read == all_but({unit}));
    put_record(store, kRecords);
    store.await_dispatch();
    read = pull_all(store);
    CHECK((!read.empty() && read.back() == kRecords));
  }
}

}  // namespace skylark::broker
