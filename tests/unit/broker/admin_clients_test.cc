// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "broker/handlers/admin_stats.h"
#include "broker/handlers/consumer_admin_clients.h"
#include "broker/handlers/consumer_admin_forward.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/connections.h"
#include "protocol/bodies/consumer_bodies.h"
#include "protocol/bodies/offsets.h"
#include "protocol/bodies/tables.h"
#include "tests/support/catch.h"
#include "tests/unit/broker/admin_fixture.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;

struct Fixture : AdminFixture {
  ClientAdmin clients{consumers, producers};
  ConsumerForward forward{store, topics, groups, consumers, "broker-a"};
  StatsAdmin stats_admin{store, topics, groups, offsets, consumers, stats, clock, {.broker_name = "broker-a", .address = "10.0.0.1:10911"}};

  template <class Header>
  RemotingCommand ask(const Header& header, remoting::Reply (StatsAdmin::*function)(RemotingCommand&)) {
    auto command = request(RequestCode::get_consume_stats, header);
    return answer_of((stats_admin.*function)(command));
  }
  static MessageQueue queue(std::int32_t id) { return {"Orders", "broker-a", id}; }
};

}  // namespace

TEST_CASE("the clients of a group are listed with their subscriptions", "[broker][admin]") {
  Fixture broker;
  GetConsumerConnectionListRequestHeader header;
  header.consumer_group = "readers";
  auto offline = Fixture::request(RequestCode::get_consumer_connection_list, header);
  const auto refused = broker.answer_of(broker.clients.consumer_connections(offline));
  CHECK(is(refused, ResponseCode::consumer_not_online));
  CHECK(refused.remark == "the consumer group[readers] not online");

  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  auto online = Fixture::request(RequestCode::get_consumer_connection_list, header);
  const auto body = decode_body<ConsumerConnection>(broker.answer_of(broker.clients.consumer_connections(online)).body.view());
  REQUIRE(body.has_value());
  REQUIRE(body->connections.size() == 1);
  CHECK(body->connections[0].client_id == "client-1");
  CHECK(body->connections[0].client_addr == client->remote_address());
  CHECK(body->subscriptions.count("Orders") == 1);
}

TEST_CASE("producers are listed by group and all together", "[broker][admin]") {
  Fixture broker;
  GetProducerConnectionListRequestHeader header;
  header.producer_group = "payers";
  auto offline = Fixture::request(RequestCode::get_producer_connection_list, header);
  CHECK(broker.answer_of(broker.clients.producer_connections(offline)).remark == "the producer group[payers] not exist");

  const auto connection = std::make_shared<remoting::FakeConnection>("10.0.0.9:51234");
  broker.producers.register_producer("payers", ClientChannel{connection, "client-1", Language::go, 317, broker.clock.now_ms()});
  auto online = Fixture::request(RequestCode::get_producer_connection_list, header);
  const auto body = decode_body<ProducerConnection>(broker.answer_of(broker.clients.producer_connections(online)).body.view());
  REQUIRE(body.has_value());
  REQUIRE(body->connections.size() == 1);
  CHECK(body->connections[0].language == Language::go);

  RemotingCommand all;
  const auto table = decode_body<ProducerTableInfo>(broker.answer_of(broker.clients.all_producers(all)).body.view());
  REQUIRE(table.has_value());
  CHECK(table->data.at("payers").at(0).remote_ip == "/10.0.0.9:51234");
}

TEST_CASE("a request for a consumer is passed on, and its answer comes back as it is", "[broker][admin]") {
  Fixture broker;
  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  GetConsumerRunningInfoRequestHeader header;
  header.consumer_group = "readers";
  header.client_id = "client-1";
  auto command = Fixture::request(RequestCode::get_consumer_running_info, header);
  CHECK_FALSE(broker.forward.running_info(command, broker.tool).has_response());
  auto asked = client->take_invoked();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].request.code == to_int(RequestCode::get_consumer_running_info));
  CHECK(asked[0].request.ext.text("clientId") == "client-1");

  SECTION("the client answers") {
    RemotingCommand response;
    response.remark = "from the client";
    response.body = Body(std::string("{}"));
    asked[0].callback(std::move(response));
    const auto sent = broker.tool->take_sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].opaque == 7);
    CHECK(sent[0].is_response());
    CHECK(sent[0].remark == "from the client");
    CHECK(sent[0].body.view() == "{}");
  }
  SECTION("the client does not answer in time") {
    asked[0].callback(make_error_code(Errc::timed_out));
    const auto sent = broker.tool->take_sent();
    REQUIRE(sent.size() == 1);
    CHECK(is(sent[0], ResponseCode::consume_msg_timeout));
  }
  SECTION("the client is gone") {
    asked[0].callback(make_error_code(Errc::closed));
    const auto sent = broker.tool->take_sent();
    REQUIRE(sent.size() == 1);
    CHECK(is(sent[0], ResponseCode::system_error));
  }
}

TEST_CASE("a consumer that is not online or too old is not asked", "[broker][admin]") {
  Fixture broker;
  broker.add_consumer("readers", "old-client", "Orders", 61);
  GetConsumerRunningInfoRequestHeader header;
  header.consumer_group = "readers";
  header.client_id = "client-1";
  auto command = Fixture::request(RequestCode::get_consumer_running_info, header);
  CHECK(broker.answer_of(broker.forward.running_info(command, broker.tool)).remark == "The Consumer <readers> <client-1> not online");
  header.client_id = "old-client";
  auto old_client = Fixture::request(RequestCode::get_consumer_running_info, header);
  CHECK(is(broker.answer_of(broker.forward.running_info(old_client, broker.tool)), ResponseCode::system_error));
}

TEST_CASE("a message to be consumed at once travels to the consumer whole", "[broker][admin]") {
  Fixture broker;
  broker.add_topic("Orders");
  const PutResult put = broker.send("Orders", "order 1");
  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  ConsumeMessageDirectlyRequestHeader header;
  header.consumer_group = "readers";
  header.client_id = "client-1";
  header.message_id = make_offset_message_id(broker.store.messages("Orders").front().store_host, put.physical_offset);
  header.topic = "Orders";
  auto command = Fixture::request(RequestCode::consume_message_directly, header);
  CHECK_FALSE(broker.forward.consume_directly(command, broker.tool).has_response());
  const auto asked = client->take_invoked();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].request.ext.text("brokerName") == "broker-a");
  CHECK(asked[0].request.ext.text("topicSysFlag") == "0");
  CHECK(decode_record(asked[0].request.body.view())->body == "order 1");

  header.message_id = "nonsense";
  auto nowhere = Fixture::request(RequestCode::consume_message_directly, header);
  CHECK(is(broker.answer_of(broker.forward.consume_directly(nowhere, broker.tool)), ResponseCode::system_error));
}

TEST_CASE("a topic's bounds and a group's progress are told by queue", "[broker][admin]") {
  Fixture broker;
  broker.add_topic("Orders", 2);
  broker.send("Orders", "order 1", 1);
  const std::int64_t first_ms = broker.clock.now_ms();
  broker.clock.advance(1s);
  broker.send("Orders", "order 2", 1);
  broker.offsets.commit("readers", "Orders", 1, 1);

  GetTopicStatsInfoRequestHeader topic_header;
  topic_header.topic = "Orders";
  const auto topic_body = decode_body<TopicStatsTable>(broker.ask(topic_header, &StatsAdmin::topic_stats).body.view());
  REQUIRE(topic_body.has_value());
  REQUIRE(topic_body->offset_table.size() == 2);
  CHECK(topic_body->offset_table.at(Fixture::queue(1)).max_offset == 2);
  CHECK(topic_body->offset_table.at(Fixture::queue(1)).last_update_timestamp == first_ms + 1'000);
  CHECK(topic_body->offset_table.at(Fixture::queue(0)).last_update_timestamp == 0);

  GetConsumeStatsRequestHeader header;
  header.consumer_group = "readers";
  const auto body = decode_body<ConsumeStats>(broker.ask(header, &StatsAdmin::consume_stats).body.view());
  REQUIRE(body.has_value());
  const OffsetWrapper row = body->offset_table.at(Fixture::queue(1));
  CHECK(row.broker_offset == 2);
  CHECK(row.consumer_offset == 1);
  CHECK(row.last_timestamp == first_ms);

  topic_header.topic = "Nothing";
  CHECK(broker.ask(topic_header, &StatsAdmin::topic_stats).remark == "topic[Nothing] not exist");
}

TEST_CASE("topics that an online group no longer subscribes to are left out of its progress", "[broker][admin]") {
  Fixture broker;
  broker.add_topic("Orders");
  broker.add_topic("Payments");
  broker.offsets.commit("readers", "Orders", 0, 0);
  broker.offsets.commit("readers", "Payments", 0, 0);
  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  GetConsumeStatsRequestHeader header;
  header.consumer_group = "readers";
  const auto body = decode_body<ConsumeStats>(broker.ask(header, &StatsAdmin::consume_stats).body.view());
  REQUIRE(body.has_value());
  CHECK(body->offset_table.count(Fixture::queue(0)) == 1);
  CHECK(body->offset_table.size() == 2);
}

TEST_CASE("progress of all groups adds up what is left to consume", "[broker][admin]") {
  Fixture broker;
  broker.add_topic("Orders", 1);
  for (int i = 0; i < 3; ++i) broker.send("Orders", "order");
  broker.groups.find("readers");
  broker.offsets.commit("readers", "Orders", 0, 1);
  GetBrokerConsumeStatsRequestHeader header;
  const auto body = decode_body<ConsumeStatsList>(broker.ask(header, &StatsAdmin::all_consume_stats).body.view());
  REQUIRE(body.has_value());
  CHECK(body->broker_addr == "10.0.0.1:10911");
  CHECK(body->total_diff == 2);
}

TEST_CASE("who consumes a topic, and what a group consumes, is known online and by offsets", "[broker][admin]") {
  Fixture broker;
  broker.offsets.commit("offline", "Orders", 0, 1);
  const auto client = broker.add_consumer("readers", "client-1", "Orders");
  QueryTopicConsumeByWhoRequestHeader who;
  who.topic = "Orders";
  const auto groups = decode_body<GroupList>(broker.ask(who, &StatsAdmin::groups_of_topic).body.view());
  REQUIRE(groups.has_value());
  CHECK(groups->groups == std::vector<std::string>{"offline", "readers"});

  QueryTopicsByConsumerRequestHeader what;
  what.group = "offline";
  const auto topics = decode_body<TopicList>(broker.ask(what, &StatsAdmin::topics_of_group).body.view());
  REQUIRE(topics.has_value());
  CHECK(topics->topics == std::vector<std::string>{"Orders"});
}

TEST_CASE("the time span of a queue tells how late a group is", "[broker][admin]") {
  Fixture broker;
  broker.add_topic("Orders", 1);
  broker.send("Orders", "order 1");
  const std::int64_t first_ms = broker.clock.now_ms();
  broker.clock.advance(10s);
  broker.send("Orders", "order 2");
  broker.clock.advance(5s);
  broker.offsets.commit("readers", "Orders", 0, 1);
  QueryConsumeTimeSpanRequestHeader header;
  header.topic = "Orders";
  header.group = "readers";
  const auto body = decode_body<QueryConsumeTimeSpanBody>(broker.ask(header, &StatsAdmin::consume_time_span).body.view());
  REQUIRE(body.has_value());
  REQUIRE(body->spans.size() == 1);
  CHECK(body->spans[0].min_timestamp == first_ms);
  CHECK(body->spans[0].max_timestamp == first_ms + 10'000);
  CHECK(body->spans[0].consume_timestamp == first_ms);
  CHECK(body->spans[0].delay_ms == 5'000);
}

TEST_CASE("a statistic that was never counted is an error, so that exporters skip it", "[broker][admin]") {
  Fixture broker;
  ViewBrokerStatsDataRequestHeader header;
  header.stats_name = "TOPIC_PUT_NUMS";
  header.stats_key = "Orders";
  const auto missing = broker.ask(header, &StatsAdmin::broker_stats);
  CHECK(is(missing, ResponseCode::system_error));
  CHECK(missing.remark == "The stats <TOPIC_PUT_NUMS> <Orders> not exist");
  broker.stats.add_put("Orders", 0, 3, 300);
  CHECK(is(broker.ask(header, &StatsAdmin::broker_stats), ResponseCode::success));
}

}  // namespace skylark::broker
