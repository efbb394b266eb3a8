// SPDX-License-Identifier: Apache-2.0
// Queues within queues: a message that names LMQs is listed in each, with dense offsets, whatever the client says and the machine does.
#include <mutex>
#include <set>

#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace skylark::broker {
namespace {

void lmq(MessageStoreOptions& options) { options.lmq = options.multi_dispatch = true; }

std::string naming(const std::string& names, const std::string& more = {}) { return "INNER_MULTI_DISPATCH\x01" + names + "\x02" + more; }

std::string offsets_of(FaultyStore& store, std::string_view topic, std::int64_t queue_offset) {
  const GetResult got = store->get({.topic = topic, .queue_id = 0, .queue_offset = queue_offset, .message_count_max = 1});
  if (got.slices.empty()) return "(none)";
  return std::string(decode_record(got.slices.front().bytes)->property("INNER_MULTI_QUEUE_OFFSET").value_or("(absent)"));
}

/// The body that an LMQ lists there; its record stands at another offset in its own queue.
std::string listed(FaultyStore& store, std::string_view queue, std::int64_t queue_offset) {
  const GetResult got = store->get({.topic = queue, .queue_id = 0, .queue_offset = queue_offset, .message_count_max = 1});
  return got.slices.empty() ? "(none)" : std::string(decode_record(got.slices.front().bytes)->body);
}

}  // namespace

TEST_CASE("a message is listed in each LMQ that it names, at that queue's next offset", "[store][lmq]") {
  FaultyStore store(lmq);
  store.put("Parent", 0, "one", naming("%LMQ%a,%LMQ%b"));
  store.put("Parent", 0, "two", naming("%LMQ%b", "WAIT\x01true\x02"));
  store.put("Parent", 0, "three",
            naming("%LMQ%b,%LMQ%a",
                   "INNER_MULTI_QUEUE_OFFSET\x01"
                   "77,78\x02"));
  store.await_dispatch();
  CHECK(offsets_of(store, "Parent", 0) == "0,0");
  CHECK(offsets_of(store, "Parent", 1) == "1");
  CHECK(offsets_of(store, "Parent", 2) == "2,1");
  CHECK(store->max_offset("Parent", 0) == 3);
  CHECK(store->max_offset("%LMQ%a", 0) == 2);
  CHECK(listed(store, "%LMQ%a", 0) == "one");
  CHECK(listed(store, "%LMQ%a", 1) == "three");
  CHECK(store->max_offset("%LMQ%b", 0) == 3);
  CHECK(listed(store, "%LMQ%b", 1) == "two");
  CHECK(store->delete_topics_except({"Parent"}) == 0);
  CHECK(listed(store, "%LMQ%b", 2) == "three");
}

TEST_CASE("names that are no queue, and queues named twice, leave no gap", "[store][lmq]") {
  FaultyStore store(lmq);
  const std::string too_long = "%LMQ%" + std::string(300, 'x');
  store.put("Parent", 0, "one", naming("%LMQ%a,%LMQ%a,Other,%LMQ%../../outside," + too_long + ",%LMQ%c"));
  store.put("Parent", 0, "two", naming("%LMQ%a"));
  store.put("Parent", 0, "no names", naming(" "));
  store.await_dispatch();
  CHECK(offsets_of(store, "Parent", 0) == "0,0,,0,0,0");
  CHECK(offsets_of(store, "Parent", 2) == "(absent)");
  CHECK(store->max_offset("%LMQ%a", 0) == 2);
  CHECK(listed(store, "%LMQ%a", 1) == "two");
  CHECK(listed(store, "%LMQ%c", 0) == "one");
  std::set<std::string> topics;
  for (const QueueId& queue : store->queues()) topics.insert(queue.topic);
  CHECK(topics == std::set<std::string>{"Parent", "%LMQ%a", "%LMQ%c"});
}

TEST_CASE("retries, half messages and batches are not listed elsewhere", "[store][lmq]") {
  FaultyStore store(lmq);
  const std::string properties = naming("%LMQ%a",
                                        "INNER_MULTI_QUEUE_OFFSET\x01"
                                        "5\x02");
  for (const char* topic : {"%RETRY%G", "rmq_sys_x", "RMQ_SYS_TRANS_HALF_TOPIC"}) REQUIRE(store.put(topic, 0, "x", properties).stored());
  const std::vector<PutMessage> batch{faulty_message("Parent", 0, "b1", properties), faulty_message("Parent", 0, "b2", properties)};
  store->put_batch(batch, [](const PutResult& result) { CHECK(result.stored()); });
  store.await_dispatch();
  CHECK(store->max_offset("%LMQ%a", 0) == 0);
  CHECK(offsets_of(store, "Parent", 1) == "(absent)");
}

TEST_CASE("a refused message uses up no offset of an LMQ", "[store][lmq]") {
  FaultyStore store([](MessageStoreOptions& options) {
    lmq(options);
    options.commit_log_file_size = 128 * 1024;
  });
  const std::string names = naming("%LMQ%a");
  const std::string full = names + "k\x01" + std::string(32'767 - names.size() - 3, 'v') + "\x02";
  CHECK(store.put("Parent", 0, "no room for the offset", full).status == PutStatus::message_illegal);
  store.put("Parent", 0, "one", naming("%LMQ%a"));
  store.await_dispatch();
  CHECK(offsets_of(store, "Parent", 0) == "0");
}

TEST_CASE("offsets of LMQs go on after a stop, a kill and a power cut", "[store][lmq][fault]") {
  FaultyStore store(lmq);
  std::int64_t stored = 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 25; ++i, ++stored) {
      REQUIRE(store.put("Parent", 0, std::to_string(stored), naming("%LMQ%a,%LMQ%b" + std::to_string(i % 5))).stored());
    }
    if (round == 0) {
      store.stop();
      store.start();
    } else if (round < 3) {
      store.kill();
      store.start();
    } else {
      REQUIRE(eventually([&] { return store->flushed_physical_offset() == store->max_physical_offset(); }));
      store.cut_power(7);
      store.start();
    }
    store.await_dispatch();
    CHECK(store->max_offset("%LMQ%a", 0) == stored);
    CHECK(listed(store, "%LMQ%a", stored - 1) == std::to_string(stored - 1));
    for (int i = 0; i < 5; ++i) CHECK(store->max_offset("%LMQ%b" + std::to_string(i), 0) == stored / 5);
  }
}

TEST_CASE("an LMQ without space delays its messages and gives the right offsets after a start", "[store][lmq][fault]") {
  FaultyStore store(lmq);
  store.put("Parent", 0, "first", naming("%LMQ%a"));
  store.await_dispatch();
  store.disk().refuse_space_of("/consumequeue/%LMQ%b");
  REQUIRE(store.put("Parent", 0, "second", naming("%LMQ%b")).stored());
  store.kill();
  store.disk().refuse_space_of("/consumequeue/%LMQ%b");
  store.start();
  store.disk().refuse_space_of("");
  REQUIRE(eventually([&] { return store->writable(); }));
  store.put("Parent", 0, "third", naming("%LMQ%b,%LMQ%a"));
  store.await_dispatch();
  CHECK(offsets_of(store, "Parent", 2) == "1,1");
  CHECK(listed(store, "%LMQ%b", 0) == "second");
  CHECK(listed(store, "%LMQ%b", 1) == "third");
}

TEST_CASE("a reader of an LMQ hears of its messages", "[store][lmq]") {
  std::mutex mutex;
  std::vector<std::pair<std::string, std::int64_t>> heard;
  ManualClock clock;
  FaultyFileSystem disk(clock);
  MessageStoreOptions options;
  options.root = "/store";
  options.commit_log_file_size = 16 * 1024;
  options.consume_queue_file_size = 400;
  options.index_slots = 16;
  options.index_entries = 50;
  lmq(options);
  const auto store = make_message_store(options, disk, clock);
  store->set_arrival_listener([&](const ArrivedMessage& message) {
    const std::scoped_lock lock(mutex);
    heard.emplace_back(message.topic, message.next_queue_offset);
  });
  REQUIRE(store->start().has_value());
  const std::string properties = naming("%LMQ%a");
  REQUIRE(store->put_sync(faulty_message("Parent", 1, "one", properties)).stored());
  REQUIRE(store->put_sync(faulty_message("Parent", 1, "two", properties)).stored());
  CHECK(eventually([&] {
    const std::scoped_lock lock(mutex);
    return heard == std::vector<std::pair<std::string, std::int64_t>>{{"Parent", 1}, {"%LMQ%a", 1}, {"Parent", 2}, {"%LMQ%a", 2}};
  }));
  store->stop();
}

}  // namespace skylark::broker
