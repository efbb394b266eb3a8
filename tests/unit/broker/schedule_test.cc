// SPDX-License-Identifier: Apache-2.0
#include "broker/schedule/schedule_service.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/schedule/scheduled_message.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_message_store.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;

struct Fixture {
  ManualClock clock;
  FakeMessageStore store{clock};
  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  DelayLevels levels = *DelayLevels::parse("1s 5s 10s");
  ScheduleOptions options{.progress_path = folder.path() + "/config/delayOffset.json"};
  ScheduleService service{store, levels, options, *files, clock};

  Fixture() { store.delay_ms = {{1, 1'000}, {2, 5'000}, {3, 10'000}}; }

  void send(const std::string& body, std::int32_t level, std::int32_t queue_id = 2) {
    std::string properties;
    append_property(properties, property::kTags, "paid");
    append_property(properties, property::kDelay, std::to_string(level));
    PutMessage message;
    message.fields.topic = "Orders";
    message.fields.queue_id = queue_id;
    message.fields.body = body;
    message.fields.properties = properties;
    std::string topic, rewritten;
    redirect_to_schedule_topic(message, topic, rewritten, levels);
    REQUIRE(store.put_sync(message).stored());
  }

  std::vector<std::string> delivered(std::int32_t queue_id = 2) {
    std::vector<std::string> bodies;
    for (const MessageView& message : store.messages("Orders", queue_id)) bodies.emplace_back(message.body);
    return bodies;
  }
};

}  // namespace

TEST_CASE("delay levels are read from Java's list", "[broker][schedule]") {
  const auto levels = DelayLevels::parse("1s 5m  2h 1d");
  REQUIRE(levels.has_value());
  CHECK(levels->max_level() == 4);
  CHECK(levels->delay_ms(1) == 1'000);
  CHECK(levels->delay_ms(2) == 300'000);
  CHECK(levels->delay_ms(3) == 7'200'000);
  CHECK(levels->delay_ms(4) == 86'400'000);
  CHECK(levels->delay_ms(5) == 1'000);
  CHECK_FALSE(DelayLevels::parse("").has_value());
  CHECK_FALSE(DelayLevels::parse("1s 5x").has_value());
  CHECK_FALSE(DelayLevels::parse("s").has_value());
  CHECK_FALSE(DelayLevels::parse("-1s").has_value());
  CHECK_FALSE(DelayLevels::parse("99999999999999999999d").has_value());
}

TEST_CASE("a message with a level goes to the queue of that level and remembers where it belongs", "[broker][schedule]") {
  Fixture broker;
  broker.send("in ten seconds", 3);
  const auto stored = broker.store.messages("SCHEDULE_TOPIC_XXXX", 2);
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].property(property::kRealTopic) == "Orders");
  CHECK(stored[0].property(property::kRealQueueId) == "2");
  CHECK(stored[0].property(property::kDelay) == "3");
}

TEST_CASE("a level above the highest one becomes the highest one", "[broker][schedule]") {
  Fixture broker;
  broker.send("far away", 99);
  const auto stored = broker.store.messages("SCHEDULE_TOPIC_XXXX", 2);
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].property(property::kDelay) == "3");
}

TEST_CASE("messages without a level and half messages are left alone", "[broker][schedule]") {
  const auto levels = *DelayLevels::parse("1s");
  std::string topic, properties;
  PutMessage plain;
  plain.fields.topic = "Orders";
  CHECK_FALSE(redirect_to_schedule_topic(plain, topic, properties, levels));

  std::string with_level;
  append_property(with_level, property::kDelay, "1");
  PutMessage prepared;
  prepared.fields.topic = "Orders";
  prepared.fields.properties = with_level;
  prepared.fields.sys_flag = sys_flag::kTransactionPrepared;
  CHECK_FALSE(redirect_to_schedule_topic(prepared, topic, properties, levels));
  CHECK(prepared.fields.topic == "Orders");
}

TEST_CASE("a delayed message is delivered when it is due, in order, with its properties as they were", "[broker][schedule]") {
  Fixture broker;
  broker.send("first", 1);
  broker.send("second", 1);
  broker.send("slow", 2);

  CHECK(broker.service.deliver_due() == 1'000);
  CHECK(broker.delivered().empty());
  broker.clock.advance(1s);
  CHECK(broker.service.deliver_due() == 4'000);
  CHECK(broker.delivered() == std::vector<std::string>{"first", "second"});
  broker.clock.advance(4s);
  CHECK(broker.service.deliver_due() == std::nullopt);
  CHECK(broker.delivered() == std::vector<std::string>{"first", "second", "slow"});

  const auto message = broker.store.messages("Orders", 2)[0];
  CHECK(message.property(property::kDelay) == "1");
  CHECK(message.property(property::kRealTopic) == "Orders");
  CHECK(broker.store.queue_entry("Orders", 2, 0)->tags_code == tags_code("paid"));
}

TEST_CASE("a message whose due time is further away than its level says is delivered at once", "[broker][schedule]") {
  Fixture broker;
  broker.store.delay_ms[1] = 3'600'000;  // As a clock that was an hour ahead leaves it.
  broker.send("from the future", 1);
  broker.service.deliver_due();
  CHECK(broker.delivered() == std::vector<std::string>{"from the future"});
}

TEST_CASE("a delayed message that is missing does not hold up those behind it", "[broker][schedule]") {
  Fixture broker;
  for (const char* body : {"first", "lost", "third"}) broker.send(body, 1);
  broker.store.blank("SCHEDULE_TOPIC_XXXX", 0, 1);
  broker.clock.advance(1s);
  broker.service.deliver_due();
  CHECK(broker.delivered() == std::vector<std::string>{"first", "third"});
}

TEST_CASE("a message that the store refuses keeps its turn", "[broker][schedule]") {
  Fixture broker;
  broker.send("first", 1);
  broker.send("second", 1);
  broker.clock.advance(1s);
  broker.store.put_status = PutStatus::service_not_available;
  CHECK(broker.service.deliver_due() > 0);
  CHECK(broker.store.puts_refused == 1);
  CHECK(broker.service.progress().count(1) == 0);

  broker.store.put_status = PutStatus::ok;
  broker.service.deliver_due();
  CHECK(broker.delivered() == std::vector<std::string>{"first", "second"});
}

TEST_CASE("progress outlives a restart, so that nothing is delivered twice", "[broker][schedule]") {
  Fixture broker;
  broker.send("first", 1);
  broker.clock.advance(1s);
  broker.service.deliver_due();
  REQUIRE(broker.service.persist().has_value());

  ScheduleService again(broker.store, broker.levels, broker.options, *broker.files, broker.clock);
  REQUIRE(again.load().has_value());
  CHECK(again.progress() == std::map<std::int32_t, std::int64_t>{{1, 1}});
  again.deliver_due();
  CHECK(broker.delivered().size() == 1);
}

TEST_CASE("progress outside of its queue is moved into it when it is loaded", "[broker][schedule]") {
  Fixture broker;
  broker.send("only", 1);
  REQUIRE(broker.service.apply_progress(R"({"dataVersion":{"counter":1,"stateVersion":0,"timestamp":5},"offsetTable":{1:77,2:3}})")
              .has_value());
  ScheduleService again(broker.store, broker.levels, broker.options, *broker.files, broker.clock);
  REQUIRE(again.load().has_value());
  CHECK(again.progress() == std::map<std::int32_t, std::int64_t>{{1, 1}, {2, 0}});
}

TEST_CASE("messages that retention took before they were due are passed over", "[broker][schedule]") {
  Fixture broker;
  broker.send("gone", 1);
  broker.send("still there", 1);
  broker.store.drop_below("SCHEDULE_TOPIC_XXXX", 0, 1);
  broker.clock.advance(1s);
  broker.service.deliver_due();
  CHECK(broker.delivered() == std::vector<std::string>{"still there"});
}

TEST_CASE("the delivery thread delivers by itself and writes its progress when it stops", "[broker][schedule]") {
  Fixture broker;
  broker.send("first", 1);
  broker.clock.advance(1s);
  broker.service.start();
  REQUIRE(eventually([&] { return broker.delivered().size() == 1; }));
  broker.service.stop();
  CHECK(broker.files->exists(broker.options.progress_path));
}

}  // namespace skylark::broker
