// SPDX-License-Identifier: Apache-2.0
// One fault planted for each invariant: a judge that never finds anything proves nothing.
#include <functional>

#include <fmt/format.h>

#include "base/crc32.h"
#include "tests/fault/model/machine.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

const QueueId kOrders{"Orders", 0};
const Ledger::OffsetOf kBilling{"billing", "Orders", 0};

/// A store that lies in one respect.
class LyingReader final : public StoreReader {
 public:
  explicit LyingReader(StoreReader& honest) : honest_(honest) {}

  std::function<void(QueueContent&)> change_queue = [](QueueContent&) {};
  std::function<void(std::vector<std::int64_t>&)> change_keys = [](std::vector<std::int64_t>&) {};
  std::int64_t consumer_offset_less = 0;

  std::vector<QueueId> queues() override { return honest_.queues(); }
  QueueContent read(const QueueId& queue) override {
    QueueContent content = honest_.read(queue);
    if (queue == kOrders) change_queue(content);
    return content;
  }
  std::vector<std::int64_t> find_by_key(std::string_view topic, const std::string& key) override {
    auto found = honest_.find_by_key(topic, key);
    change_keys(found);
    return found;
  }
  std::int64_t consumer_offset(const Ledger::OffsetOf& of) override { return honest_.consumer_offset(of) - consumer_offset_less; }
  std::int64_t min_physical_offset() override { return honest_.min_physical_offset(); }

 private:
  StoreReader& honest_;
};

/// Ten messages in each of two queues, one commit; killed and started, so that recovery has had its turn.
class Scene {
 public:
  Scene() {
    for (int i = 0; i < 10; ++i) {
      put(kOrders);
      put({"Payments", 1});
    }
    machine_.offsets().commit("billing", "Orders", 0, 7);
    ledger_.commit(kBilling, 7);
    machine_.offsets().persist();
    ledger_.offsets_persisted();
    machine_.kill();
    machine_.start();
    REQUIRE(machine_.dispatched());
  }

  void put(const QueueId& queue) {
    const std::string body = fmt::format("body {}", ledger_.sent_count());
    const std::int64_t number = ledger_.send(queue, crc32_31(body));
    const std::string properties = fmt::format("KEYS\x01{}\x02UNIQ_KEY\x01{}\x02", Ledger::key(number), Ledger::unique_key(number));
    const PutResult put = machine_.store().put(queue.topic, queue.queue_id, body, properties);
    REQUIRE(put.status == PutStatus::ok);
    SentMessage place;
    place.queue_offset = put.queue_offset;
    place.physical_offset = put.physical_offset;
    place.record_end = put.physical_offset + put.record_size;
    ledger_.stored(number, place);
  }

  /// The invariants of which the judge complains, each once.
  std::set<Invariant> complaints(StoreReader& reader) {
    const Verdict verdict = judge(ledger_, reader);
    INFO(to_text(verdict.violations));
    std::set<Invariant> invariants;
    for (const Violation& violation : verdict.violations) invariants.insert(violation.invariant);
    return invariants;
  }

  Machine& machine() { return machine_; }
  Ledger& ledger() { return ledger_; }

 private:
  Machine machine_{nullptr};
  Ledger ledger_;
};

}  // namespace

TEST_CASE("the judge has nothing to say about an honest store", "[model][plant]") {
  Scene scene;
  LyingReader honest(scene.machine());
  CHECK(scene.complaints(honest).empty());
}

TEST_CASE("the judge finds an acknowledged message that is gone", "[model][plant]") {
  Scene scene;
  LyingReader liar(scene.machine());
  liar.change_queue = [](auto& content) { content.messages.pop_back(); };
  CHECK(scene.complaints(liar) == std::set{Invariant::acknowledged_kept});
}

TEST_CASE("the judge finds a queue offset that was given twice", "[model][plant]") {
  Scene scene;
  LyingReader liar(scene.machine());
  liar.change_queue = [](auto& content) { content.messages[5].place.queue_offset = content.messages[4].place.queue_offset; };
  CHECK(scene.complaints(liar) == std::set{Invariant::offsets_in_order});
}

TEST_CASE("the judge finds a message that is there twice", "[model][plant]") {
  Scene scene;
  LyingReader liar(scene.machine());
  liar.change_queue = [](auto& content) {
    ReadMessage again = content.messages.back();
    again.place.queue_offset = content.max_offset++;
    ++again.place.physical_offset;
    content.messages.push_back(again);
  };
  CHECK(scene.complaints(liar) == std::set{Invariant::offsets_in_order});
}

TEST_CASE("the judge finds a body with another checksum", "[model][plant]") {
  Scene scene;
  LyingReader liar(scene.machine());
  liar.change_queue = [](auto& content) { content.messages[3].place.body_crc ^= 1; };
  CHECK(scene.complaints(liar) == std::set{Invariant::bodies_equal});
}

TEST_CASE("the judge finds a message that nobody sent", "[model][plant]") {
  Scene scene;
  LyingReader liar(scene.machine());
  const std::int64_t number = GENERATE(std::int64_t{-1}, std::int64_t{1'000'000}, std::int64_t{1});  // 1 was sent to the other queue.
  liar.change_queue = [number](auto& content) {
    ReadMessage foreign = content.messages.back();
    foreign.number = number;
    foreign.place.queue_offset = content.max_offset++;
    ++foreign.place.physical_offset;
    content.messages.push_back(foreign);
  };
  liar.change_keys = [number](auto& found) { found.push_back(number); };  // Else it were not found by key either.
  CHECK(scene.complaints(liar) == std::set{Invariant::nothing_foreign});
}

TEST_CASE("the judge finds a refused message that appears", "[model][plant]") {
  Scene scene;
  const std::int64_t refused = scene.ledger().send(kOrders, 0);
  LyingReader liar(scene.machine());
  liar.change_queue = [refused](auto& content) {
    ReadMessage message = content.messages.back();
    message.number = refused;
    message.place.queue_offset = content.max_offset++;
    ++message.place.physical_offset;
    content.messages.push_back(message);
  };
  liar.change_keys = [refused](auto& found) { found.push_back(refused); };
  CHECK(scene.complaints(liar) == std::set{Invariant::nothing_foreign});
}

TEST_CASE("the judge finds a consumer offset that went back", "[model][plant]") {
  Scene scene;
  LyingReader liar(scene.machine());
  liar.consumer_offset_less = 1;
  CHECK(scene.complaints(liar) == std::set{Invariant::offsets_never_back});
}

TEST_CASE("the judge finds a message that no key leads to", "[model][plant]") {
  Scene scene;
  LyingReader liar(scene.machine());
  liar.change_keys = [](auto& found) { std::erase(found, 4); };
  CHECK(scene.complaints(liar) == std::set{Invariant::found_by_key});
}

// The same on the disk itself, below the store.
TEST_CASE("the judge finds a byte of a body that the disk has turned", "[model][plant]") {
  Scene scene;
  const auto entry = scene.machine().store()->queue_entry("Orders", 0, 2);
  REQUIRE(entry.has_value());
  const std::string path = "/store/commitlog/00000000000000000000";
  const auto bytes = scene.machine().store().disk().read_all(path);
  const std::size_t at = bytes->find("body 4", static_cast<std::size_t>(entry->physical_offset));
  REQUIRE(at != std::string::npos);
  scene.machine().store().disk().damage(path, at, "B");
  // Given out as it is, or passed over as damaged: the store decides, and neither is what was acknowledged.
  const auto complaints = scene.complaints(scene.machine());
  CHECK((complaints.contains(Invariant::bodies_equal) || complaints.contains(Invariant::acknowledged_kept)));
}

TEST_CASE("the judge finds what a disk without a key index has lost", "[model][plant]") {
  Scene scene;
  scene.machine().stop();
  FaultyFileSystem& disk = scene.machine().store().disk();
  for (const std::string& name : *disk.list("/store/index")) REQUIRE(disk.remove("/store/index/" + name).has_value());
  REQUIRE(disk.remove("/store/storeends").has_value());  // Else the start misses them, and makes them again.
  scene.machine().start();
  CHECK(scene.complaints(scene.machine()) == std::set{Invariant::found_by_key});
}

}  // namespace skylark::broker
