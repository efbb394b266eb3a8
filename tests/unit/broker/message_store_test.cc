// SPDX-License-Identifier: Apache-2.0
// What the broker relies on: messages go in, come out by queue, key, time and id, and are there again after any kind of stop.
#include "tests/unit/broker/message_store_fixture.h"

#include "tests/support/catch.h"

namespace skylark::broker {

TEST_CASE("a message is found at the queue offset that its put returned", "[store]") {
  StoreFixture store;
  const PutResult first = store.put("Orders", 1, "created");
  const PutResult second = store.put("Orders", 1, "paid");
  REQUIRE(first.status == PutStatus::ok);
  CHECK(first.queue_offset == 0);
  CHECK(second.queue_offset == 1);
  CHECK(second.physical_offset == first.physical_offset + first.record_size);

  store.await_dispatch();
  CHECK(store.bodies("Orders", 1) == std::vector<std::string>{"created", "paid"});
  CHECK(store->max_offset("Orders", 1) == 2);
  CHECK(store->min_offset("Orders", 1) == 0);
}

TEST_CASE("messages are there again after a clean stop", "[store]") {
  StoreFixture store;
  for (int i = 0; i < 100; ++i) REQUIRE(store.put("Orders", i % 4, "body " + std::to_string(i)).status == PutStatus::ok);
  store.restart();
  CHECK(store.bodies("Orders", 2).size() == 25);
  CHECK(store.bodies("Orders", 3).back() == "body 99");
  CHECK(store.put("Orders", 3, "later").queue_offset == 25);
}

}  // namespace skylark::broker
