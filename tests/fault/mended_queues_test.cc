// SPDX-License-Identifier: Apache-2.0
// Units in the middle of a queue that the disk changed: a reader goes past them, the store mends them while it runs, and then every message
// is read and the files are what they were.
#include <map>

#include <fmt/core.h>

#include "tests/fault/filled_store.h"
#include "tests/support/captured_log.h"
#include "tests/support/eventually.h"
#include "tests/support/failing_file_system.h"

namespace skylark::broker {
namespace {

constexpr std::size_t kRecords = 50;  // Of each queue, in three files.
constexpr std::size_t kUnitsPerFile = 20;
constexpr std::int64_t kNotNow = 3'600'000;  // An interval of upkeep that no test lives to see.

/// A queue of one of the kinds, and which bytes of its units no reader believes when they are changed.
struct Queue {
  std::string topic;
  std::string folder;
  std::size_t unit_size = 20;
  std::vector<std::size_t> seen = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
};

const Queue kSimple{"Orders", "/store/consumequeue/Orders/0/"};
const Queue kInner{"%LMQ%a", "/store/consumequeue/%LMQ%a/0/"};
const Queue kBatch{"Ledger", "/store/batchconsumequeue/Ledger/0/", 46, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28, 29, 30, 31, 34, 35}};

void options_of_all(MessageStoreOptions& options) {
  options.batch_queue_file_size = kUnitsPerFile * 46;
  options.is_batch_topic = [](std::string_view topic) -> std::optional<bool> { return topic == kBatch.topic; };
  options.lmq = options.multi_dispatch = true;
  options.upkeep_interval_ms = 20;
}

void with_extensions(MessageStoreOptions& options) {
  options_of_all(options);
  options.consume_queue_ext = true;
  options.consume_queue_ext_file_size = 1024;
  options.bit_map_of = [](std::string_view, std::string_view properties) { return std::string(properties.size() % 7, '\x55'); };
}

/// Three queues whose records lie among each other in the log, written by an earlier run.
struct ThreeQueues : FaultyStore {
  std::map<std::string, std::vector<std::string>> sent;  // Bodies of the records by queue.
  std::vector<PutResult> orders;
  std::map<std::string, std::string> whole;

  explicit ThreeQueues(Change change = options_of_all) : FaultyStore(change) {
    for (std::size_t i = 0; i < kRecords; ++i) {
      const std::string number = std::to_string(i);
      orders.push_back(put_noted(kSimple.topic, number + std::string(500, '.'), "TAGS\x01" + std::string(i % 5, 't') + "\x02"));
      sent[kInner.topic].push_back("listed " + number);
      REQUIRE(put("Parent", 0, "listed " + number, "INNER_MULTI_DISPATCH\x01%LMQ%a\x02").stored());
      put_batch_record(i);
    }
    await_dispatch();
    restart();
    note();
  }
  void note() { whole = files(); }
  [[nodiscard]] std::map<std::string, std::string> files() {
    std::map<std::string, std::string> files;
    for (const Queue* queue : {&kSimple, &kInner, &kBatch}) {
      const auto names = disk().list(queue->folder.substr(0, queue->folder.size() - 1));
      for (const std::string& name : names ? *names : std::vector<std::string>())
        files[queue->folder + name] = *disk().read_all(queue->folder + name);
    }
    return files;
  }
  void ruin(const Queue& queue, std::size_t unit, std::size_t from, const std::string& bytes) {
    const std::int64_t base = static_cast<std::int64_t>(unit / kUnitsPerFile * kUnitsPerFile * queue.unit_size);
    disk().damage(queue.folder + commitlog::mapped_file_name(base), unit % kUnitsPerFile * queue.unit_size + from, bytes);
  }
  void zero(const Queue& queue, std::size_t first, std::size_t count = 1) {
    for (std::size_t unit = first; unit < first + count; ++unit) ruin(queue, unit, 0, std::string(queue.unit_size, '\0'));
  }
  /// In the commit log, within its body.
  void damage_record(const PutResult& record) {
    const std::int64_t position = record.physical_offset % options().commit_log_file_size;
    disk().damage("/store/commitlog/" + commitlog::mapped_file_name(record.physical_offset - position),
                  static_cast<std::size_t>(position) + 90, "#");
  }
  void flip(const Queue& queue, std::size_t unit, std::size_t byte, int bits) {
    const std::string path =
        queue.folder + commitlog::mapped_file_name(static_cast<std::int64_t>(unit / kUnitsPerFile * kUnitsPerFile * queue.unit_size));
    const std::size_t at = unit % kUnitsPerFile * queue.unit_size + byte;
    disk().damage(path, at, std::string(1, static_cast<char>((*disk().read_all(path))[at] ^ bits)));
  }
  /// Bodies of the records that a consumer gets from the beginning to the end; none is another, none comes twice.
  std::vector<std::string> pull(const Queue& queue) {
    std::vector<std::string> read;
    const std::vector<std::string>& all = sent[queue.topic];
    auto next = all.begin();
    std::int64_t offset = (*this)->min_offset(queue.topic, 0);
    while (offset < (*this)->max_offset(queue.topic, 0)) {
      const GetResult got = (*this)->get({.topic = queue.topic, .queue_id = 0, .queue_offset = offset});
      if (got.status == GetStatus::read_failed) break;
      REQUIRE(got.next_begin_offset > offset);
      offset = got.next_begin_offset;
      for (const PinnedSlice& slice : got.slices) {
        const auto records = decode_records(slice.bytes);
        REQUIRE(records.has_value());
        for (const MessageView& record : *records) {
          next = std::find(next, all.end(), record.body);
          REQUIRE(next != all.end());
          ++next;
          read.emplace_back(record.body);
        }
      }
    }
    return read;
  }
  /// What a consumer does not get, and which files are not what they were; empty when all is well.
  std::string amiss() {
    std::string text;
    for (const Queue* queue : {&kSimple, &kInner, &kBatch}) {
      const std::vector<std::string> read = pull(*queue);
      if (read != sent[queue->topic]) text += fmt::format("{}: {} of {} records are read\n", queue->topic, read.size(), kRecords);
      for (auto& [path, content] : files()) {
        if (!path.starts_with(queue->folder) || content == whole[path]) continue;
        const auto at =
            static_cast<std::size_t>(std::mismatch(content.begin(), content.end(), whole[path].begin()).first - content.begin());
        text += fmt::format("{} differs in unit {}, byte {}\n", path, at / queue->unit_size, at % queue->unit_size);
      }
    }
    return text;
  }
  /// Readers come again and again; in the end they get everything, and the queues are what they were.
  void check_mended() {
    (void)eventually([&] { return amiss().empty(); });
    REQUIRE(amiss() == "");
  }

 private:
  PutResult put_noted(std::string_view topic, const std::string& body, std::string_view properties) {
    sent[std::string(topic)].push_back(body);
    PutResult result = put(topic, 0, body, properties);
    REQUIRE(result.stored());
    return result;
  }
  void put_batch_record(std::size_t number) {
    std::string body, properties;
    const auto count = static_cast<int>(number % 3 + 1);
    for (int i = 0; i < count; ++i) encode_batch_item({.flag = i, .body = std::to_string(number), .properties = ""}, body);
    append_property(properties, property::kInnerNumber, std::to_string(count));
    PutMessage message = faulty_message(kBatch.topic, 0, body, properties);
    message.fields.sys_flag = sys_flag::kInnerBatch | sys_flag::kNeedUnwrap;
    REQUIRE((*this)->put_sync(message).stored());
    sent[kBatch.topic].push_back(body);
  }
};

}  // namespace

TEST_CASE("changed units are mended while the store runs, wherever they stand in whatever queue", "[store][mend][fault]") {
  const bool extended = GENERATE(false, true);
  std::mt19937_64 random(seed_of_run());
  for (int round = 0; round < 25; ++round) {
    ThreeQueues store(extended ? with_extensions : options_of_all);
    for (const Queue* queue : {&kSimple, &kInner, &kBatch}) {
      switch (random() % 6) {
        case 0: store.zero(*queue, random() % 2 * kUnitsPerFile, kUnitsPerFile); break;  // A file; of real ones a page.
        case 1: store.zero(*queue, random() % (kRecords - 5), random() % 5 + 1); break;
        case 2: store.flip(*queue, 0, queue->seen[random() % queue->seen.size()], 1 << random() % 8); break;
        case 3: store.zero(*queue, random() % 2 * kUnitsPerFile + kUnitsPerFile - 1); break;
        case 4: store.flip(*queue, kRecords - 1, random() % 12, 1 << random() % 8); break;
        default:
          for (std::size_t more = random() % 8 + 1; more > 0; --more)
            store.flip(*queue, random() % kRecords, queue->seen[random() % queue->seen.size()], 1 << random() % 8);
      }
    }
    store.check_mended();
    store.restart();
    CHECK(store.amiss() == "");
  }
}

TEST_CASE("a reader goes past a changed unit until it is mended", "[store][mend][fault]") {
  ThreeQueues store;
  store.stop();
  store.options().upkeep_interval_ms = kNotNow;
  store.start();
  store.zero(kSimple, 7, 3);
  std::vector<std::string> others = store.sent[kSimple.topic];
  others.erase(others.begin() + 7, others.begin() + 10);
  CHECK(store.pull(kSimple) == others);
  CHECK(store.pull(kSimple) == others);
  CHECK(store.files() != store.whole);
  const bool killed = GENERATE(false, true);  // What was met and not mended is met again.
  if (killed)
    store.kill();
  else
    store.stop();
  store.options().upkeep_interval_ms = 20;
  store.start();
  const CapturedLog log;
  store.check_mended();
  CHECK(log.says("consume queue 0 of Orders: 3 changed units, offsets 7 to 9, were mended from the commit log"));
}

TEST_CASE("a mended unit is durable with the queue's next flush", "[store][mend][fault]") {
  ThreeQueues store;
  store.zero(kSimple, 7, 3);
  store.check_mended();
  const std::string path = kSimple.folder + commitlog::mapped_file_name(0);
  CHECK(eventually([&] { return *store.disk().after_power_cut(1)->read_all(path) == store.whole[path]; }));
}

TEST_CASE("where the log is damaged as well the message is told as lost, and the others are served", "[store][mend][fault]") {
  ThreeQueues store;
  store.damage_record(store.orders[8]);
  store.zero(kSimple, 7, 3);
  const CapturedLog log;
  std::vector<std::string> others = store.sent[kSimple.topic];
  others.erase(others.begin() + 8);
  const std::string told = "offset 8 of consume queue 0 of Orders cannot be mended: the commit log has no whole record for it";
  CHECK(eventually([&] { return store.pull(kSimple) == others && log.says(told); }));
  CHECK_FALSE(log.says("offset 7 of consume queue 0 of Orders cannot be mended"));
  const std::string text = log.text();
  CHECK(store.pull(kSimple) == others);
  CHECK(log.text() == text);
  CHECK(store.pull(kInner) == store.sent[kInner.topic]);
}

TEST_CASE("a message whose record alone is damaged is looked for once", "[store][mend][fault]") {
  ThreeQueues store;
  store.damage_record(store.orders[8]);
  const CapturedLog log;
  CHECK(store.pull(kSimple).size() == kRecords - 1);
  CHECK(
      eventually([&] { return log.says("offset 8 of consume queue 0 of Orders cannot be mended: its record is damaged, not the unit"); }));
  CHECK(store.files() == store.whole);
}

TEST_CASE("each call of the disk may fail once while units are mended", "[store][mend][fault]") {
  for (std::int64_t call = 0; call < 40; ++call) {
    ThreeQueues store;
    store.stop();
    FailingFileSystem disk(store.disk());
    store.go_through(&disk);
    store.start();
    for (const Queue* queue : {&kSimple, &kInner, &kBatch}) store.zero(*queue, 18, 4);
    disk.fail(Failure::io_error, call, 1);
    INFO("call " << call);
    store.check_mended();
    store.stop();
    store.go_through(nullptr);
  }
}

TEST_CASE("queues may be deleted and expire while they are mended", "[store][mend][fault]") {
  std::mt19937_64 random(seed_of_run());
  for (int round = 0; round < 20; ++round) {
    ThreeQueues store([](MessageStoreOptions& options) {
      options_of_all(options);
      options.upkeep_interval_ms = 1;
      options.file_reserved_hours = 1;
      options.delete_when = "";
    });
    for (const Queue* queue : {&kSimple, &kInner, &kBatch}) store.zero(*queue, random() % 20, random() % 20 + 1);
    for (const Queue* queue : {&kSimple, &kInner, &kBatch}) store.pull(*queue);
    if (random() % 2 == 0) {
      store.clock().advance(std::chrono::hours(2));
      store->delete_expired_files();
    } else {
      for (const Queue* queue : {&kSimple, &kInner, &kBatch}) store->delete_topic(queue->topic);
      CHECK(store.files().empty());
    }
    REQUIRE(store.put("Orders", 0, "next").stored());
    store.await_dispatch();
    CHECK(store.body_at("Orders", 0, store->max_offset("Orders", 0) - 1) == "next");
    for (const Queue* queue : {&kSimple, &kInner, &kBatch}) {
      if (queue->topic != kSimple.topic) store.pull(*queue);
    }
    store.restart();
    CHECK(store.body_at("Orders", 0, store->max_offset("Orders", 0) - 1) == "next");
  }
}

}  // namespace skylark::broker
