// SPDX-License-Identifier: Apache-2.0
// A store whose queues have extensions: filters get what they hold, and services get the tags codes that they had without them.
#include <mutex>

#include "tests/support/catch.h"
#include "tests/unit/broker/message_store_fixture.h"

namespace skylark::broker {
namespace {

const std::string kMap = "\x01\x02";

void extended(MessageStoreOptions& options) {
  options.consume_queue_ext = true;
  options.consume_queue_ext_file_size = 4096;
  options.bit_map_of = [](std::string_view topic, std::string_view) { return topic == "Orders" ? kMap : std::string(); };
}

/// Wants every message and notes what it was told.
class Noting final : public MessageFilter {
 public:
  bool wants_unit(const FilterUnit& unit) const override {
    units.push_back({unit.tags_code, unit.store_timestamp, std::string(unit.bit_map)});
    return true;
  }
  struct Unit {
    std::optional<std::int64_t> tags_code;
    std::int64_t store_timestamp;
    std::string bit_map;
  };
  mutable std::vector<Unit> units;
};

std::string tags(std::string_view tag) {
  std::string properties;
  append_property(properties, property::kTags, tag);
  return properties;
}

}  // namespace

TEST_CASE("filters get what the extensions of a queue hold", "[store]") {
  StoreFixture store(extended);
  const PutResult put = store.put("Orders", 0, "first", tags("red"));
  store.await_dispatch();
  const bool restarted = GENERATE(false, true);
  if (restarted) store.restart();
  Noting filter;
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .filter = &filter}).message_count == 1);
  REQUIRE(filter.units.size() == 1);
  CHECK(filter.units[0].tags_code == tags_code("red"));
  CHECK(filter.units[0].store_timestamp == put.store_timestamp);
  CHECK(filter.units[0].bit_map == kMap);
  CHECK(store->queue_entry("Orders", 0, 0)->tags_code == tags_code("red"));
}

TEST_CASE("extensions are read when they are no longer written", "[store]") {
  StoreFixture store(extended);
  store.put("Orders", 0, "with", tags("red"));
  store.await_dispatch();
  store.stop();
  store.options().consume_queue_ext = false;
  store.start();
  store.put("Orders", 0, "without", tags("blue"));
  store.await_dispatch();
  Noting filter;
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .filter = &filter}).message_count == 2);
  REQUIRE(filter.units.size() == 2);
  CHECK(filter.units[0].tags_code == tags_code("red"));
  CHECK(filter.units[1].tags_code == tags_code("blue"));
  CHECK(filter.units[1].store_timestamp == 0);
}

TEST_CASE("when its extensions are gone a queue still lets every message pass", "[store]") {
  StoreFixture store(extended);
  for (int i = 0; i < 5; ++i) store.put("Orders", 0, std::to_string(i), tags("red"));
  store.await_dispatch();
  store.stop();
  REQUIRE(store.files().remove_folder(store.root() + "/consumequeue_ext", true));
  store.start();
  Noting filter;
  CHECK(store->get({.topic = "Orders", .queue_id = 0, .queue_offset = 0, .filter = &filter}).message_count == 5);
  CHECK_FALSE(filter.units[0].tags_code);
}

TEST_CASE("a removed topic takes its extensions along", "[store]") {
  StoreFixture store(extended);
  store.put("Orders", 0, "x");
  store.put("Paid", 0, "y");
  store.await_dispatch();
  CHECK(store.files().exists(store.root() + "/consumequeue_ext/Orders/0"));
  store->delete_topic("Orders");
  CHECK_FALSE(store.files().exists(store.root() + "/consumequeue_ext/Orders"));
  CHECK(store.files().exists(store.root() + "/consumequeue_ext/Paid/0"));
}

}  // namespace skylark::broker
