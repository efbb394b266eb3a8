// SPDX-License-Identifier: Apache-2.0
// Consumers, producers and queue locks: who is there, who is told, what expires.
#include <memory>

#include "base/clock.h"
#include "broker/consumer_manager.h"
#include "broker/producer_manager.h"
#include "broker/queue_lock_manager.h"
#include "protocol/request_code.h"
#include "tests/support/catch.h"
#include "tests/support/fake_connection.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;
using FakePtr = std::shared_ptr<remoting::FakeConnection>;

FakePtr connect() { return std::make_shared<remoting::FakeConnection>(); }

ClientChannel client_on(const FakePtr& connection, std::string id) {
  return {.connection = connection, .client_id = std::move(id), .language = Language::java, .version = 479, .last_update_ms = 0};
}

ConsumerData group_with(std::vector<std::string> topics, std::string model = "CLUSTERING", std::int64_t version = 1) {
  ConsumerData data;
  data.group = "G";
  data.message_model = std::move(model);
  for (auto& topic : topics) {
    SubscriptionData subscription;
    subscription.topic = std::move(topic);
    subscription.version = version;
    data.subscriptions.push_back(std::move(subscription));
  }
  return data;
}

/// Number of change notices that the connection got for group G since the last look.
std::size_t notices(const FakePtr& connection) {
  std::size_t count = 0;
  for (const auto& request : connection->take_one_way()) {
    CHECK(request.code == to_int(RequestCode::notify_consumer_ids_changed));
    CHECK(request.ext.text("consumerGroup") == "G");
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("every member is told when one joins or leaves, the one itself included", "[broker][consumers]") {
  ManualClock clock;
  ConsumerManager consumers(clock);
  const auto first = connect();
  const auto second = connect();

  CHECK(consumers.register_consumer(group_with({"T"}), client_on(first, "a")));
  CHECK(notices(first) == 1);
  CHECK(consumers.register_consumer(group_with({"T"}), client_on(second, "b")));
  CHECK(notices(first) == 1);
  CHECK(notices(second) == 1);
  CHECK(consumers.client_ids("G") == std::vector<std::string>{"a", "b"});

  CHECK_FALSE(consumers.register_consumer(group_with({"T"}), client_on(second, "b")));
  CHECK(notices(first) == 0);

  consumers.unregister_consumer("G", client_on(second, "b"));
  CHECK(notices(first) == 1);
  consumers.on_connection_closed(first);
  CHECK_FALSE(consumers.look_up("G", "T").online);
}

TEST_CASE("only a change of the set of topics counts as a change of subscriptions", "[broker][consumers]") {
  ManualClock clock;
  ConsumerManager consumers(clock);
  const auto connection = connect();
  consumers.register_consumer(group_with({"T", "U"}), client_on(connection, "a"));

  CHECK_FALSE(consumers.register_consumer(group_with({"T", "U"}, "CLUSTERING", 2), client_on(connection, "a")));
  CHECK(consumers.look_up("G", "T").subscription->version == 2);
  CHECK_FALSE(consumers.register_consumer(group_with({"T", "U"}, "CLUSTERING", 1), client_on(connection, "a")));
  CHECK(consumers.look_up("G", "T").subscription->version == 2);
  CHECK(consumers.register_consumer(group_with({"T"}), client_on(connection, "a")));
  CHECK_FALSE(consumers.look_up("G", "U").subscription);
  CHECK_FALSE(consumers.register_consumer(group_with({}), client_on(connection, "a"), true));
  CHECK(consumers.look_up("G", "T").subscription);
}

TEST_CASE("members are not told when broadcasting or when the group does not want it", "[broker][consumers]") {
  ManualClock clock;
  ConsumerManager consumers(clock);
  const auto connection = connect();
  SECTION("broadcasting") { consumers.register_consumer(group_with({"T"}, "BROADCASTING"), client_on(connection, "a")); }
  SECTION("the group's config says no") {
    consumers.set_notify_policy([](std::string_view) { return false; });
    consumers.register_consumer(group_with({"T"}), client_on(connection, "a"));
  }
  CHECK(notices(connection) == 0);
}

TEST_CASE("a consumer expires 120 s after its last heartbeat and the others are told", "[broker][consumers]") {
  ManualClock clock;
  ConsumerManager consumers(clock);
  const auto silent = connect();
  const auto alive = connect();
  consumers.register_consumer(group_with({"T"}), client_on(silent, "a"));
  consumers.register_consumer(group_with({"T"}), client_on(alive, "b"));
  clock.advance(60s);
  consumers.register_consumer(group_with({"T"}), client_on(alive, "b"));
  clock.advance(60s);
  consumers.expire();
  CHECK(consumers.client_ids("G").size() == 2);
  notices(alive);

  clock.advance(1ms);
  consumers.expire();
  CHECK(consumers.client_ids("G") == std::vector<std::string>{"b"});
  CHECK_FALSE(silent->is_open());
  CHECK(alive->is_open());
  CHECK(notices(alive) == 1);
}

TEST_CASE("what a pull of an offline group tells is remembered for tools alone", "[broker][consumers]") {
  ManualClock clock;
  ConsumerManager consumers(clock);
  SubscriptionData subscription;
  subscription.topic = "T";
  subscription.expression = "TagA";
  consumers.compensate("G", "CONSUME_PASSIVELY", "CLUSTERING", subscription);
  REQUIRE(consumers.find_subscription("G", "T"));
  CHECK(consumers.find_subscription("G", "T")->expression == "TagA");
  CHECK_FALSE(consumers.look_up("G", "T").online);
}

TEST_CASE("producers expire like consumers and take turns in answering", "[broker][producers]") {
  ManualClock clock;
  ProducerManager producers(clock);
  const auto first = connect();
  const auto second = connect();
  producers.register_producer("P", client_on(first, "a"));
  clock.advance(1s);
  producers.register_producer("P", client_on(second, "b"));

  const auto one = producers.next_client("P");
  const auto other = producers.next_client("P");
  REQUIRE((one && other));
  CHECK(one->client_id != other->client_id);
  first->close();
  CHECK(producers.next_client("P")->client_id == "b");
  CHECK(producers.next_client("P")->client_id == "b");
  CHECK_FALSE(producers.next_client("Q"));

  clock.advance(120s);
  producers.expire();
  CHECK(producers.clients("P").size() == 1);
  producers.on_connection_closed(second);
  CHECK(producers.all().empty());
}

TEST_CASE("a queue lock belongs to one client for 60 s from its last success", "[broker][locks]") {
  ManualClock clock;
  QueueLockManager locks(clock);
  const std::vector<QueueId> queues{{"T", 0}, {"T", 1}};
  CHECK(locks.lock("G", queues, "a") == queues);
  CHECK(locks.lock("G", queues, "b").empty());
  CHECK(locks.lock("H", queues, "b") == queues);  // Another group.
  CHECK(locks.any_live("G"));

  clock.advance(40s);
  CHECK(locks.lock("G", {{"T", 0}}, "a").size() == 1);  // Renewed.
  clock.advance(20s + 1ms);
  CHECK(locks.lock("G", queues, "b") == std::vector<QueueId>{{"T", 1}});
  locks.unlock("G", queues, "a");
  CHECK(locks.lock("G", queues, "b") == queues);
  clock.advance(61s);
  CHECK_FALSE(locks.any_live("G"));
}

}  // namespace skylark::broker
