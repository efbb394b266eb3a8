// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/reset_offset.h"

#include "broker/broker_config.h"
#include "broker/handlers/consumer_admin_offsets.h"
#include "protocol/bodies/body.h"
#include "tests/support/catch.h"
#include "tests/unit/broker/admin_fixture.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;

struct Fixture : AdminFixture {
  BrokerConfig config;
  std::vector<std::int32_t> woken;
  ResetOffsetHandler handler{
      store,
      topics,
      groups,
      offsets,
      consumers,
      config.broker.server_side_reset,
      {.broker_name = "broker-a", .replica = false, .wake_pulls = [this](const std::string&, std::int32_t id) { woken.push_back(id); }}};

  Fixture() {
    add_topic("Orders");
    groups.find("readers");
    for (int i = 0; i < 4; ++i) {
      send("Orders", "order", 0);
      clock.advance(1s);
    }
    send("Orders", "order", 1);
    clock.advance(1s);
  }

  ResetOffsetRequestHeader header(std::int64_t timestamp) {
    ResetOffsetRequestHeader made;
    made.topic = "Orders";
    made.group = "readers";
    made.timestamp = timestamp;
    made.force = true;
    return made;
  }
  RemotingCommand reset(const ResetOffsetRequestHeader& header, Language language = Language::java) {
    RemotingCommand command = request(RequestCode::invoke_broker_to_reset_offset, header);
    command.language = language;
    return answer_of(handler.reset(command));
  }
  static QueueOffsets offsets_in(const RemotingCommand& response) {
    const auto body = decode_body<ResetOffsetBody>(response.body.view());
    return body ? body->offsets : QueueOffsets{};
  }
  static MessageQueue queue(std::int32_t id) { return {"Orders", "broker-a", id}; }
};

}  // namespace

TEST_CASE("a reset to a time is handed out by the broker whether or not a client is online", "[broker][admin]") {
  Fixture broker;
  const auto response = broker.reset(broker.header(broker.clock.now_ms() - 3'500));
  REQUIRE(is(response, ResponseCode::success));
  CHECK(Fixture::offsets_in(response) == QueueOffsets{{Fixture::queue(0), 2}, {Fixture::queue(1), 0}});
  CHECK(broker.offsets.query("readers", "Orders", 0) == 2);
  CHECK(broker.offsets.has_reset("readers", "Orders", 0));
  CHECK(broker.offsets.take_reset("readers", "Orders", 0) == 2);
}

TEST_CASE("a reset wakes the pulls that wait at the old place", "[broker][admin]") {
  Fixture broker;
  REQUIRE(is(broker.reset(broker.header(0)), ResponseCode::success));
  CHECK(broker.woken == std::vector<std::int32_t>{0, 1});
}

TEST_CASE("a negative time is the end, and one queue alone can be meant", "[broker][admin]") {
  Fixture broker;
  auto header = broker.header(-1);
  header.queue_id = 0;
  CHECK(Fixture::offsets_in(broker.reset(header)) == QueueOffsets{{Fixture::queue(0), 4}});
  CHECK_FALSE(broker.offsets.has_reset("readers", "Orders", 1));
}

TEST_CASE("a reset to an offset must hit the queue", "[broker][admin]") {
  Fixture broker;
  auto header = broker.header(0);
  header.queue_id = 0;
  header.offset = 3;
  CHECK(Fixture::offsets_in(broker.reset(header)) == QueueOffsets{{Fixture::queue(0), 3}});
  header.offset = 17;
  const auto response = broker.reset(header);
  CHECK(is(response, ResponseCode::system_error));
  CHECK(response.remark == "Target offset 17 not in consume queue range [0-4]");
}

TEST_CASE("a reset of an unknown topic or group is refused", "[broker][admin]") {
  Fixture broker;
  auto no_topic = broker.header(0);
  no_topic.topic = "Nothing";
  CHECK(is(broker.reset(no_topic), ResponseCode::topic_not_exist));
  auto no_group = broker.header(0);
  no_group.group = "nobody";
  CHECK(is(broker.reset(no_group), ResponseCode::subscription_group_not_exist));
}

TEST_CASE("without server-side reset the online clients are told", "[broker][admin]") {
  Fixture broker;
  broker.config.broker.server_side_reset.set_value(false);
  broker.offsets.commit("readers", "Orders", 0, 4);
  const auto missing = broker.reset(broker.header(0));
  CHECK(missing.remark == "THe consumer group <readers> not exist");
  broker.offsets.commit("readers", "Orders", 1, 0);

  const auto offline = broker.reset(broker.header(0));
  CHECK(is(offline, ResponseCode::consumer_not_online));
  CHECK(offline.remark == "Consumer not online, so can not reset offset, Group: readers Topic: Orders Timestamp: 0");

  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  const auto response = broker.reset(broker.header(broker.clock.now_ms() - 3'500));
  REQUIRE(is(response, ResponseCode::success));
  const auto told = client->take_one_way();
  REQUIRE(told.size() == 1);
  CHECK(told[0].code == to_int(RequestCode::reset_consumer_client_offset));
  CHECK(told[0].ext.text("group") == "readers");
  const QueueOffsets expected{{Fixture::queue(0), 2}, {Fixture::queue(1), 0}};
  CHECK(decode_body<ResetOffsetBody>(told[0].body.view())->offsets == expected);
  CHECK(Fixture::offsets_in(response) == expected);
}

TEST_CASE("without force a reset in the clients only goes back", "[broker][admin]") {
  Fixture broker;
  broker.config.broker.server_side_reset.set_value(false);
  broker.offsets.commit("readers", "Orders", 0, 1);
  broker.offsets.commit("readers", "Orders", 1, 1);
  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  auto header = broker.header(broker.clock.now_ms() - 3'500);
  header.force = false;
  CHECK(Fixture::offsets_in(broker.reset(header)) == QueueOffsets{{Fixture::queue(0), 1}, {Fixture::queue(1), 0}});
}

TEST_CASE("clients get the array form when a C++ tool resets, and old ones none", "[broker][admin]") {
  Fixture broker;
  broker.config.broker.server_side_reset.set_value(false);
  for (const std::int32_t id : {0, 1}) broker.offsets.commit("readers", "Orders", id, 1);
  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  REQUIRE(is(broker.reset(broker.header(0), Language::cpp), ResponseCode::success));
  const auto told = client->take_one_way();
  REQUIRE(told.size() == 1);
  CHECK(told[0].body.view().find(R"("offsetTable":[)") != std::string_view::npos);

  const auto old_client = broker.add_consumer("readers", "client-2", "Orders", 27);
  (void)client->take_one_way();
  CHECK(is(broker.reset(broker.header(0)), ResponseCode::system_error));
  CHECK(client->take_one_way().empty());
}

TEST_CASE("the status of several clients is gathered into one answer", "[broker][admin]") {
  Fixture broker;
  const auto first = broker.add_consumer("readers", "client-1", "Orders");
  const auto second = broker.add_consumer("readers", "client-2", "Orders");
  GetConsumerStatusRequestHeader header;
  header.topic = "Orders";
  header.group = "readers";
  auto command = Fixture::request(RequestCode::invoke_broker_to_get_consumer_status, header);
  CHECK_FALSE(broker.handler.consumer_status(command, broker.tool).has_response());

  auto asked_first = first->take_invoked();
  auto asked_second = second->take_invoked();
  REQUIRE(asked_first.size() == 1);
  REQUIRE(asked_second.size() == 1);
  CHECK(asked_first[0].request.code == to_int(RequestCode::get_consumer_status_from_client));
  RemotingCommand status;
  GetConsumerStatusBody body;
  body.message_queue_table[Fixture::queue(0)] = 3;
  status.body = Body(encode_body(body));
  asked_first[0].callback(std::move(status));
  CHECK(broker.tool->take_sent().empty());
  asked_second[0].callback(make_error_code(Errc::timed_out));

  const auto sent = broker.tool->take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].opaque == 7);
  auto gathered = decode_body<GetConsumerStatusBody>(sent[0].body.view());
  REQUIRE(gathered.has_value());
  CHECK(gathered->consumer_table.size() == 1);
  CHECK(gathered->consumer_table["client-1"] == QueueOffsets{{Fixture::queue(0), 3}});
}

TEST_CASE("the status of a group that is not online is an error", "[broker][admin]") {
  Fixture broker;
  GetConsumerStatusRequestHeader header;
  header.topic = "Orders";
  header.group = "readers";
  auto command = Fixture::request(RequestCode::invoke_broker_to_get_consumer_status, header);
  const auto response = broker.answer_of(broker.handler.consumer_status(command, broker.tool));
  CHECK(response.remark == "No Any Consumer online in the consumer group: [readers]");
}

TEST_CASE("a group takes over the offsets of another", "[broker][admin]") {
  Fixture broker;
  ConsumerOffsetAdmin admin(broker.topics, broker.offsets, broker.consumers);
  broker.offsets.commit("readers", "Orders", 0, 3);
  CloneGroupOffsetRequestHeader header;
  header.source_group = "readers";
  header.target_group = "others";
  auto command = Fixture::request(RequestCode::clone_group_offset, header);
  CHECK(is(broker.answer_of(admin.clone(command)), ResponseCode::success));
  CHECK(broker.offsets.query("others", "Orders", 0) == 3);
}

TEST_CASE("the correction is the least offset of all groups, and the largest number for the slowest one", "[broker][admin]") {
  Fixture broker;
  ConsumerOffsetAdmin admin(broker.topics, broker.offsets, broker.consumers);
  broker.offsets.commit("readers", "Orders", 0, 3);
  broker.offsets.commit("others", "Orders", 0, 2);
  QueryCorrectionOffsetRequestHeader header;
  header.topic = "Orders";
  header.compare_group = "readers";
  auto command = Fixture::request(RequestCode::query_correction_offset, header);
  const auto body = decode_body<QueryCorrectionOffsetBody>(broker.answer_of(admin.correction(command)).body.view());
  REQUIRE(body.has_value());
  CHECK(body->correction_offsets == std::map<std::int32_t, std::int64_t>{{0, 2}});

  header.compare_group = "others";
  header.filter_groups = "others";
  auto slowest = Fixture::request(RequestCode::query_correction_offset, header);
  const auto corrected = decode_body<QueryCorrectionOffsetBody>(broker.answer_of(admin.correction(slowest)).body.view());
  REQUIRE(corrected.has_value());
  CHECK(corrected->correction_offsets == std::map<std::int32_t, std::int64_t>{{0, INT64_MAX}});
}

}  // namespace skylark::broker
