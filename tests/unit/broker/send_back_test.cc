// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/send_back.h"

#include "broker/broker_config.h"
#include "broker/handlers/retry_send.h"
#include "broker/schedule/scheduled_message.h"
#include "tests/support/catch.h"
#include "tests/unit/broker/admin_fixture.h"

namespace skylark::broker {
namespace {

struct Fixture : AdminFixture {
  BrokerConfig config;
  DelayLevels levels = *DelayLevels::parse("1s 5s 10s 30s 1m");
  SendBackHandler handler{store,
                          topics,
                          groups,
                          stats,
                          hooks,
                          config.broker.broker_permission,
                          {.ip = "10.0.0.1", .store_host = *Host::parse("10.0.0.1:10911"), .replica = false}};

  Fixture() {
    hooks.delay = [this](PutMessage& message, OwnedParts& parts) {
      redirect_to_schedule_topic(message, parts.topic, parts.properties, levels);
    };
    SubscriptionGroupConfig group;
    group.name = "readers";
    group.retry_times_max = 2;
    groups.update(group);
  }

  RemotingCommand send_back(const ConsumerSendMsgBackRequestHeader& header, std::int16_t version = 479) {
    RemotingCommand command = request(RequestCode::consumer_send_msg_back, header);
    command.version = version;
    return answer_of(handler.handle(command, tool));
  }
  ConsumerSendMsgBackRequestHeader header_for(const PutResult& put, std::int32_t delay_level = 0) {
    ConsumerSendMsgBackRequestHeader header;
    header.physical_offset = put.physical_offset;
    header.group = "readers";
    header.delay_level = delay_level;
    return header;
  }
};

}  // namespace

TEST_CASE("a message sent back is delayed and then belongs to the retry topic of its group", "[broker][retry]") {
  Fixture broker;
  const PutResult put = broker.send("Orders", "order 1");
  REQUIRE(is(broker.send_back(broker.header_for(put)), ResponseCode::success));

  const auto delayed = broker.store.messages("SCHEDULE_TOPIC_XXXX", 2);  // Level 3 for the first retry.
  REQUIRE(delayed.size() == 1);
  CHECK(delayed[0].body == "order 1");
  CHECK(delayed[0].reconsume_times == 1);
  CHECK(delayed[0].property(property::kRealTopic) == "%RETRY%readers");
  CHECK(delayed[0].property(property::kRealQueueId) == "0");
  CHECK(delayed[0].property(property::kRetryTopic) == "Orders");
  CHECK(delayed[0].property(property::kOriginMessageId) == make_offset_message_id(delayed[0].store_host, put.physical_offset));
  CHECK(delayed[0].property(property::kDelay) == "3");
  CHECK(delayed[0].property(property::kWait) == "false");
  CHECK(broker.topics.find("%RETRY%readers")->read_queues == 1);
}

TEST_CASE("a message sent back again keeps its first topic and id and waits one level longer", "[broker][retry]") {
  Fixture broker;
  std::string properties;
  append_property(properties, property::kRetryTopic, "Orders");
  append_property(properties, property::kOriginMessageId, "FIRST");
  const PutResult put = broker.send("%RETRY%readers", "order 1", 0, properties, 1);
  REQUIRE(is(broker.send_back(broker.header_for(put)), ResponseCode::success));
  const auto delayed = broker.store.messages("SCHEDULE_TOPIC_XXXX", 3);
  REQUIRE(delayed.size() == 1);
  CHECK(delayed[0].property(property::kRetryTopic) == "Orders");
  CHECK(delayed[0].property(property::kOriginMessageId) == "FIRST");
}

TEST_CASE("a message tried often enough, or that shall not be retried, becomes a dead letter", "[broker][retry]") {
  Fixture broker;
  SECTION("by the limit of its group") {
    const PutResult put = broker.send("%RETRY%readers", "order 1", 0, {}, 2);
    CHECK(is(broker.send_back(broker.header_for(put)), ResponseCode::success));
  }
  SECTION("by the limit that the client names") {
    auto header = broker.header_for(broker.send("%RETRY%readers", "order 1", 0, {}, 1));
    header.max_reconsume_times = 1;
    CHECK(is(broker.send_back(header), ResponseCode::success));
  }
  SECTION("by a delay level below 0") {
    CHECK(is(broker.send_back(broker.header_for(broker.send("Orders", "order 1"), -1)), ResponseCode::success));
  }
  const auto dead = broker.store.messages("%DLQ%readers");
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].body == "order 1");
  CHECK(dead[0].property(property::kDelay) == "0");
  CHECK(broker.topics.find("%DLQ%readers")->perm == 6);
  CHECK(broker.stats.find("DLQ_PUT_NUMS", std::string(dead[0].property(property::kRetryTopic).value()) + "@readers").has_value());
}

TEST_CASE("a message that claims to have been tried without end is counted on safely", "[broker][retry]") {
  Fixture broker;
  auto header = broker.header_for(broker.send("Orders", "order 1", 0, {}, INT32_MAX - 1));
  header.max_reconsume_times = INT32_MAX;
  CHECK(is(broker.send_back(header), ResponseCode::success));
  CHECK(broker.store.messages("SCHEDULE_TOPIC_XXXX", 4).size() == 1);
}

TEST_CASE("a limit named by a client older than 3.4.9 is not looked at", "[broker][retry]") {
  Fixture broker;
  auto header = broker.header_for(broker.send("Orders", "order 1"));
  header.max_reconsume_times = 0;
  CHECK(is(broker.send_back(header, 120), ResponseCode::success));
  CHECK(broker.store.messages("%DLQ%readers").empty());
}

TEST_CASE("what cannot be sent back is refused in Java's words", "[broker][retry]") {
  Fixture broker;
  const PutResult put = broker.send("Orders", "order 1");

  auto nowhere = broker.header_for(put);
  nowhere.physical_offset = 99'999;
  CHECK(broker.send_back(nowhere).remark == "look message by offset failed, 99999");
  auto bad_group = broker.header_for(put);
  bad_group.group = "bad name!";
  CHECK(is(broker.send_back(bad_group), ResponseCode::subscription_group_not_exist));
  broker.config.broker.broker_permission.set_value(4);
  CHECK(broker.send_back(broker.header_for(put)).remark == "the broker[10.0.0.1] sending message is forbidden");
  broker.config.broker.broker_permission.set_value(6);
  broker.store.put_status = PutStatus::page_cache_busy;
  CHECK(broker.send_back(broker.header_for(put)).remark == "OS_PAGE_CACHE_BUSY");
}

TEST_CASE("a group without retry queues does not want messages back", "[broker][retry]") {
  Fixture broker;
  SubscriptionGroupConfig group;
  group.name = "readers";
  group.retry_queues = 0;
  broker.groups.update(group);
  CHECK(is(broker.send_back(broker.header_for(broker.send("Orders", "order 1"))), ResponseCode::success));
  CHECK(broker.store.messages("SCHEDULE_TOPIC_XXXX", 2).empty());
}

TEST_CASE("a send to a retry topic goes on until it was tried too often", "[broker][retry]") {
  Fixture broker;
  RetrySendPath path(broker.topics, broker.groups, broker.locks);
  OwnedParts parts;
  PutMessage message;
  message.fields.topic = "%RETRY%readers";
  message.fields.queue_id = 3;
  message.fields.reconsume_times = 2;
  RetrySend send{.client_version = 479, .max_reconsume_times = std::nullopt};

  CHECK_FALSE(path.redirect(send, message, parts).has_value());
  CHECK(message.fields.topic == "%RETRY%readers");
  message.fields.reconsume_times = 3;
  CHECK_FALSE(path.redirect(send, message, parts).has_value());
  CHECK(message.fields.topic == "%DLQ%readers");
  CHECK(message.fields.queue_id == 0);
  CHECK(find_property(message.fields.properties, property::kDelay) == "-1");
}

TEST_CASE("a send to the retry topic of a group that consumes in order is a dead letter", "[broker][retry]") {
  Fixture broker;
  RetrySendPath path(broker.topics, broker.groups, broker.locks);
  broker.locks.lock("readers", {QueueId{"Orders", 0}}, "client-1");
  OwnedParts parts;
  PutMessage message;
  message.fields.topic = "%RETRY%readers";
  CHECK_FALSE(path.redirect({}, message, parts).has_value());
  CHECK(message.fields.topic == "%DLQ%readers");
}

TEST_CASE("a send to the retry topic of a group that cannot be is refused", "[broker][retry]") {
  Fixture broker;
  RetrySendPath path(broker.topics, broker.groups, broker.locks);
  OwnedParts parts;
  PutMessage message;
  message.fields.topic = "%RETRY%bad name!";
  const auto refusal = path.redirect({}, message, parts);
  REQUIRE(refusal.has_value());
  CHECK(refusal->code == ResponseCode::subscription_group_not_exist);
}

}  // namespace skylark::broker
