// SPDX-License-Identifier: Apache-2.0
// Store folders of the Java broker, opened by ours: every message, offset and key must be where that broker itself says it is.
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/crc32.h"
#include "base/error.h"
#include "broker/message_store.h"
#include "protocol/json.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {
namespace {

class GoldenStore {
 public:
  explicit GoldenStore(const std::string& name) {
    const std::string archive = std::string(SKYLARK_GOLDEN_DIR) + "/stores/" + name;
    const std::string unpack = "cd '" + folder_.path() + "' && '" SKYLARK_CMAKE "' -E tar xf '" + archive + ".tar.zst'";
    REQUIRE(std::system(unpack.c_str()) == 0);
    std::ifstream file(archive + ".json");
    std::stringstream text;
    text << file.rdbuf();
    auto parsed = json::parse(text.str());
    REQUIRE(parsed.has_value());
    expected = std::move(*parsed);

    const json::Value& config = expected["brokerConfig"];
    options.root = folder_.path() + "/store";
    options.commit_log_file_size = config["mappedFileSizeCommitLog"].as_integer();
    options.consume_queue_file_size = config["mappedFileSizeConsumeQueue"].as_integer();
    options.batch_queue_file_size = config["mapperFileSizeBatchConsumeQueue"].as_integer();
    options.is_batch_topic = [this](std::string_view topic) -> std::optional<bool> {
      const json::Value& known = expected["topics"][topic];
      return known.is_null() ? std::nullopt : std::optional<bool>(known["attributes"]["queue.type"].as_string() == "BatchCQ");
    };
    options.index_slots = config["maxHashSlotNum"].as_int32();
    options.index_entries = config["maxIndexNum"].as_int32();
    options.delay_levels = {"1s", "5s", "10s", "30s", "1m",  "2m",  "3m",  "4m", "5m",
                            "6m", "7m", "8m",  "9m",  "10m", "20m", "30m", "1h", "2h"};
  }
  ~GoldenStore() { close(); }

  MessageStore& open() {
    store_ = make_message_store(options, *files_, clock_);
    const auto started = store_->start();
    REQUIRE(started.has_value());
    REQUIRE(eventually([this] { return store_->dispatch_behind_bytes() == 0; }));
    return *store_;
  }
  [[nodiscard]] Result<void> try_open() {
    store_ = make_message_store(options, *files_, clock_);
    return store_->start();
  }
  void close() {
    if (store_) store_->stop();
    store_.reset();
  }
  [[nodiscard]] bool has(const std::string& file) { return files_->exists(options.root + "/" + file); }

  json::Value expected;
  MessageStoreOptions options;

 private:
  TemporaryFolder folder_;
  SystemClock clock_;
  std::unique_ptr<FileSystem> files_ = make_disk_file_system();
  std::unique_ptr<MessageStore> store_;
};

/// One message of a record that holds several: the queue leads to the record, in whose body it stands.
void check_inner_message(MessageStore& store, std::string_view topic, std::int32_t queue_id, const json::Value& expected) {
  const std::int64_t queue_offset = expected["queueOffset"].as_integer();
  INFO(topic << "-" << queue_id << " offset " << queue_offset);
  const GetResult got = store.get({.topic = topic, .queue_id = queue_id, .queue_offset = queue_offset, .message_count_max = 1});
  REQUIRE(got.status == GetStatus::found);
  REQUIRE(got.slices.size() == 1);
  const auto record = decode_record(got.slices.front().bytes);
  REQUIRE(record.has_value());
  CHECK(record->physical_offset == expected["commitLogOffset"].as_integer());
  CHECK(record->total_size == expected["innerBatchRecordSize"].as_int32());
  CHECK(record->store_timestamp == expected["storeTimestamp"].as_integer());
  CHECK(record->sys_flag == expected["sysFlag"].as_int32());
  const auto items = decode_batch(record->body);
  REQUIRE(items.has_value());
  CHECK(got.message_count == static_cast<std::int32_t>(items->size()));
  CHECK(got.next_begin_offset == record->queue_offset + got.message_count);
  const BatchItem& item = items->at(static_cast<std::size_t>(queue_offset - record->queue_offset));
  CHECK(static_cast<std::int64_t>(item.body.size()) == expected["bodyLength"].as_integer());
  CHECK(item.flag == expected["flag"].as_int32());
  for (const auto& [name, value] : expected["properties"].members()) {
    INFO("property " << name.as_string());
    CHECK(find_property(item.properties, name.as_string()) == std::string_view(value.as_string()));
  }
  CHECK(store.store_time(topic, queue_id, queue_offset) == record->store_timestamp);
  CHECK(store.offset_by_time(topic, queue_id, record->store_timestamp, true) >= record->queue_offset);
}

void check_message(MessageStore& store, std::string_view topic, std::int32_t queue_id, const json::Value& expected) {
  const std::int64_t queue_offset = expected["queueOffset"].as_integer();
  INFO(topic << "-" << queue_id << " offset " << queue_offset);
  const auto entry = store.queue_entry(topic, queue_id, queue_offset);
  REQUIRE(entry.has_value());
  CHECK(entry->physical_offset == expected["commitLogOffset"].as_integer());
  CHECK(entry->size == expected["storeSize"].as_int32());
  CHECK(entry->tags_code == expected["tagsCode"].as_integer());

  const auto slice = store.record_at(entry->physical_offset, entry->size);
  REQUIRE(slice.has_value());
  const auto record = decode_record(slice->bytes);
  REQUIRE(record.has_value());
  CHECK(record->topic == topic);
  CHECK(record->queue_id == queue_id);
  CHECK(record->queue_offset == queue_offset);
  CHECK(record->sys_flag == expected["sysFlag"].as_int32());
  CHECK(record->flag == expected["flag"].as_int32());
  CHECK(record->store_timestamp == expected["storeTimestamp"].as_integer());
  CHECK(record->born_timestamp == expected["bornTimestamp"].as_integer());
  CHECK(record->reconsume_times == expected["reconsumeTimes"].as_int32());
  CHECK(record->prepared_transaction_offset == expected["preparedTransactionOffset"].as_integer());
  CHECK(static_cast<std::int64_t>(record->body.size()) == expected["storedBodyLength"].as_integer());
  CHECK(crc32_31(record->body) == static_cast<std::uint32_t>(expected["bodyCRC"].as_integer()));
  CHECK(make_offset_message_id(record->store_host, record->physical_offset) == expected["offsetMsgId"].as_string());
  for (const auto& [name, value] : expected["properties"].members()) {
    INFO("property " << name.as_string());
    CHECK(record->property(name.as_string()) == std::string_view(value.as_string()));
  }
}

/// Pulls the queue as a consumer does and returns how many messages came.
std::int64_t pull_all(MessageStore& store, std::string_view topic, std::int32_t queue_id) {
  std::int64_t count = 0;
  for (std::int64_t offset = store.min_offset(topic, queue_id);;) {
    const GetResult got = store.get({.topic = topic, .queue_id = queue_id, .queue_offset = offset});
    if (got.status != GetStatus::found) return count;
    count += got.message_count;
    offset = got.next_begin_offset;
  }
}

void check_store(MessageStore& store, const json::Value& expected) {
  CHECK(store.max_physical_offset() == expected["commitLog"]["maxOffset"].as_integer());
  CHECK(store.min_physical_offset() == expected["commitLog"]["minOffset"].as_integer());
  std::int64_t messages = 0;
  for (const auto& [topic_value, topic_expected] : expected["topics"].members()) {
    const bool batch = topic_expected["attributes"]["queue.type"].as_string() == "BatchCQ";
    const std::string topic = topic_value.as_string();
    for (const auto& [id_value, queue] : topic_expected["queues"].members()) {
      const auto id = static_cast<std::int32_t>(id_value.as_integer());
      INFO(topic << "-" << id);
      CHECK(store.min_offset(topic, id) == queue["minOffset"].as_integer());
      CHECK(store.max_offset(topic, id) == queue["maxOffset"].as_integer());
      for (const json::Value& message : queue["messages"].items())
        batch ? check_inner_message(store, topic, id, message) : check_message(store, topic, id, message);
      CHECK(pull_all(store, topic, id) == static_cast<std::int64_t>(queue["messages"].items().size()));
      messages += static_cast<std::int64_t>(queue["messages"].items().size());
    }
  }
  CHECK(messages > 300);
  for (const json::Value& query : expected["keyQueries"].items()) {
    const auto found = store.query_by_key(query["topic"].as_string(), query["key"].as_string(), 64, 0, INT64_MAX);
    std::set<std::int64_t> offsets;
    for (const PinnedSlice& record : found.records) offsets.insert(decode_record(record.bytes)->physical_offset);
    std::set<std::int64_t> wanted;
    for (const json::Value& offset : query["commitLogOffsets"].items()) wanted.insert(offset.as_integer());
    INFO("key " << query["key"].as_string() << " of " << query["topic"].as_string());
    CHECK(offsets == wanted);
  }
}

}  // namespace

TEST_CASE("a store that Java stopped cleanly is read whole", "[store][golden]") {
  GoldenStore golden("store-clean");
  check_store(golden.open(), golden.expected);
  CHECK(golden.has("abort"));
  golden.close();
  CHECK_FALSE(golden.has("abort"));
  check_store(golden.open(), golden.expected);
}

TEST_CASE("a store whose Java broker was killed is recovered to the same state as by that broker", "[store][golden]") {
  GoldenStore golden(GENERATE("store-killed", "store-torn"));
  MessageStore& store = golden.open();
  CHECK(store.max_physical_offset() == golden.expected["recovery"]["commitLogEnd"].as_integer());
  check_store(store, golden.expected);
  for (const json::Value& file : golden.expected["recovery"]["deletedSegments"].items())
    CHECK_FALSE(golden.has("commitlog/" + file.as_string()));
  for (const json::Value& file : golden.expected["recovery"]["keptIndexFiles"].items()) CHECK(golden.has("index/" + file.as_string()));
  golden.close();
  check_store(golden.open(), golden.expected);
}

TEST_CASE("a Java store is opened with the sizes of its files when the configured ones differ", "[store][golden]") {
  GoldenStore golden("store-clean");
  golden.options.commit_log_file_size = MessageStoreOptions{}.commit_log_file_size;
  golden.options.consume_queue_file_size = MessageStoreOptions{}.consume_queue_file_size;
  MessageStore& store = golden.open();
  CHECK(store.log_file_size() == golden.expected["commitLog"]["segmentSize"].as_integer());
  check_store(store, golden.expected);
}

TEST_CASE("queues that lie where their topic does not have them keep the store from starting", "[store][golden]") {
  GoldenStore golden("store-clean");
  const auto really = golden.options.is_batch_topic;
  const std::string other = GENERATE("GoldenInnerBatch", "GoldenNormal");
  golden.options.is_batch_topic = [&](std::string_view topic) {
    const auto known = really(topic);
    return topic == other ? std::optional<bool>(!known.value()) : known;
  };
  CHECK(golden.try_open().error() == Errc::malformed);
}

TEST_CASE("new messages go behind those of Java", "[store][golden]") {
  GoldenStore golden("store-killed");
  MessageStore& store = golden.open();
  const std::int64_t before = store.max_offset("GoldenNormal", 0);
  PutMessage message;
  message.fields.topic = "GoldenNormal";
  message.fields.body = "from the other side";
  const PutResult put = store.put_sync(message);
  REQUIRE(put.status == PutStatus::ok);
  CHECK(put.queue_offset == before);
  CHECK(put.physical_offset == golden.expected["commitLog"]["maxOffset"].as_integer());
  CHECK(eventually([&] { return store.max_offset("GoldenNormal", 0) == before + 1; }));
  golden.close();
  CHECK(golden.open().max_offset("GoldenNormal", 0) == before + 1);
}

}  // namespace skylark::broker
