// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/broker/core_fixture.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;

void join_group(CoreFixture& fixture, std::string expression = "*", std::string model = "CLUSTERING", std::int64_t version = 5) {
  ConsumerData data;
  data.group = "G";
  data.message_model = std::move(model);
  auto subscription = SubscriptionData::parse("T", expression);
  REQUIRE(subscription);
  subscription->version = version;
  data.subscriptions.push_back(*subscription);
  const ClientChannel client{
      .connection = fixture.connection, .client_id = "a", .language = Language::java, .version = 479, .last_update_ms = 0};
  fixture.consumers.register_consumer(data, client);
}

}  // namespace

TEST_CASE("a pull gets messages from its offset on, and where the queue begins and ends", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  for (const char* body : {"a", "b", "c"}) fixture.send_message(fixture.send_header(), body);
  const auto response = fixture.pull_now(fixture.pull_header(1));
  CHECK(code_of(response) == ResponseCode::success);
  CHECK(response.remark == "FOUND");
  CHECK(bodies(response) == std::vector<std::string>{"b", "c"});
  CHECK(response.ext.integer("nextBeginOffset") == 3);
  CHECK(response.ext.integer("minOffset") == 0);
  CHECK(response.ext.integer("maxOffset") == 3);
  CHECK(response.ext.integer("suggestWhichBrokerId") == 0);
}

TEST_CASE("tags are filtered by the subscription of the pull or of the group", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  for (const char* tag : {"red", "blue", "red"}) {
    auto header = fixture.send_header();
    const std::string properties = std::string("TAGS\x01") + tag + "\x02";
    header.properties = properties;
    fixture.send_message(header, tag);
  }
  auto header = fixture.pull_header(0);
  SECTION("of the pull") { header.subscription = "red || green"; }
  SECTION("of the group") {
    join_group(fixture, "red");
    header.sys_flag = 0;
  }
  CHECK(bodies(fixture.pull_now(header)) == std::vector<std::string>{"red", "red"});
}

TEST_CASE("offsets outside of the queue are answered as Java does", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  for (int i = 0; i < 5; ++i) fixture.send_message(fixture.send_header());
  fixture.store.drop_below("T", 0, 2);
  struct Row {
    std::int64_t offset;
    ResponseCode code;
    std::int64_t next;
    const char* remark;
  };
  const auto row = GENERATE(Row{5, ResponseCode::pull_not_found, 5, "OFFSET_OVERFLOW_ONE"},
                            Row{9, ResponseCode::pull_offset_moved, 5, "OFFSET_OVERFLOW_BADLY"},
                            Row{1, ResponseCode::pull_offset_moved, 2, "OFFSET_TOO_SMALL"});
  const auto response = fixture.pull_now(fixture.pull_header(row.offset));
  CHECK(code_of(response) == row.code);
  CHECK(response.ext.integer("nextBeginOffset") == row.next);
  CHECK(response.remark == row.remark);
}

TEST_CASE("an empty queue moves a pull to its begin unless it is there", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  CHECK(code_of(fixture.pull_now(fixture.pull_header(0))) == ResponseCode::pull_not_found);
  CHECK(code_of(fixture.pull_now(fixture.pull_header(7))) == ResponseCode::pull_offset_moved);
}

TEST_CASE("a held pull is answered by the message it waited for", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  CHECK_FALSE(fixture.start_pull(fixture.pull_header(0, pull_flag::kSubscription | pull_flag::kSuspend)).has_response());
  CHECK(fixture.connection->take_sent().empty());
  CHECK(fixture.held.size() == 1);
  fixture.clock.advance(1s);
  auto producer_header = fixture.send_header();
  RemotingCommand send = make_request(to_int(RequestCode::send_message), producer_header, Body(std::string("now")));
  auto reply = fixture.send->handle(send, std::make_shared<remoting::FakeConnection>());
  CHECK(reply.has_response());
  const auto sent = fixture.connection->take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(code_of(sent[0]) == ResponseCode::success);
  CHECK(bodies(sent[0]) == std::vector<std::string>{"now"});
}

TEST_CASE("a held pull that expires is answered with fresh offsets, and so is one at stop", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  CHECK_FALSE(fixture.start_pull(fixture.pull_header(0, pull_flag::kSubscription | pull_flag::kSuspend)).has_response());
  SECTION("expired") {
    fixture.clock.advance(15s);
    fixture.held.sweep();
  }
  SECTION("stopped") { fixture.held.stop(); }
  const auto sent = fixture.connection->take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(code_of(sent[0]) == ResponseCode::pull_not_found);
  CHECK(sent[0].ext.integer("nextBeginOffset") == 0);
}

TEST_CASE("without long polling a pull waits only shortly", "[broker][pull]") {
  CoreFixture fixture;
  fixture.config.broker.long_polling.set_value(false);
  fixture.open();
  CHECK_FALSE(fixture.start_pull(fixture.pull_header(0, pull_flag::kSubscription | pull_flag::kSuspend)).has_response());
  fixture.clock.advance(1s);
  fixture.held.sweep();
  CHECK(fixture.connection->take_sent().size() == 1);
}

TEST_CASE("a pull commits the consumed offset that it carries, once", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  auto header = fixture.pull_header(0, pull_flag::kSubscription | pull_flag::kSuspend | pull_flag::kCommitOffset);
  header.commit_offset = 42;
  CHECK_FALSE(fixture.start_pull(header).has_response());
  CHECK(fixture.offsets.query("G", "T", 0) == 42);
  fixture.offsets.commit("G", "T", 0, 50);
  fixture.held.stop();  // The second pass must not commit the old one again.
  CHECK(fixture.offsets.query("G", "T", 0) == 50);
}

TEST_CASE("a pending reset answers the next pull, even one that is held", "[broker][pull]") {
  CoreFixture fixture;
  fixture.open();
  for (int i = 0; i < 5; ++i) fixture.send_message(fixture.send_header());
  auto header = fixture.pull_header(5, pull_flag::kSubscription | pull_flag::kSuspend | pull_flag::kCommitOffset);
  header.commit_offset = 5;
  CHECK_FALSE(fixture.start_pull(header).has_response());
  fixture.offsets.assign_reset("G", "T", 0, 2);
  fixture.held.wake_queue("T", 0);
  const auto sent = fixture.connection->take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(code_of(sent[0]) == ResponseCode::pull_offset_moved);
  CHECK(sent[0].ext.integer("nextBeginOffset") == 2);
  CHECK(sent[0].remark == "OFFSET_RESET");
  CHECK(fixture.offsets.query("G", "T", 0) == 2);
  CHECK(code_of(fixture.pull_now(fixture.pull_header(2))) == ResponseCode::success);
}

TEST_CASE("a pull is checked against broker, group, topic, queue and subscription", "[broker][pull]") {
  CoreFixture fixture;
  fixture.config.broker.auto_create_group.set_value(false);
  fixture.open();
  SubscriptionGroupConfig group;
  group.name = "G";
  fixture.groups->update(group);
  auto header = fixture.pull_header(0);
  const std::string faq = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";
  const auto expect = [&](ResponseCode code, std::string_view remark, std::optional<std::int64_t> forbidden_type = std::nullopt) {
    const auto response = fixture.pull_now(header);
    CHECK(code_of(response) == code);
    CHECK(response.remark == remark);
    CHECK(response.ext.integer("forbiddenType") == forbidden_type);
  };
  SECTION("the broker may not be read") {
    fixture.config.broker.broker_permission.set_value(2);
    expect(ResponseCode::no_permission, "the broker[10.0.0.1] pulling message is forbidden", 1);
  }
  SECTION("unknown group") {
    header.consumer_group = "H";
    expect(ResponseCode::subscription_group_not_exist, "subscription group [H] does not exist, " + faq);
  }
  SECTION("the group may not consume") {
    group.consume_enable = false;
    fixture.groups->update(group);
    expect(ResponseCode::no_permission, "subscription group no permission, G", 2);
  }
  SECTION("unknown topic") {
    header.topic = "U";
    expect(ResponseCode::topic_not_exist, "topic[U] not exist, apply first please! " + faq);
  }
  SECTION("the topic may not be read") {
    TopicConfig topic = *fixture.topics->find("T");
    topic.perm = permission::kWrite;
    fixture.topics->update(topic);
    expect(ResponseCode::no_permission, "the topic[T] pulling message is forbidden", 3);
  }
  SECTION("no such queue") {
    header.queue_id = 4;
    expect(ResponseCode::invalid_parameter, "queueId[4] is illegal, topic:[T] topicConfig.readQueueNums:[4] consumer:[/10.0.0.9:51234]");
  }
  SECTION("SQL") {
    header.expression_type = "SQL92";
    header.subscription = "a > 4";
    expect(ResponseCode::system_error, "The broker does not support consumer to filter message by SQL92");
  }
  SECTION("an expression of separators alone") {
    header.subscription = "||";
    expect(ResponseCode::subscription_parse_failed, "parse the consumer's subscription failed");
  }
  SECTION("the group is offline") {
    header.sys_flag = 0;
    expect(ResponseCode::subscription_not_exist, "the consumer's group info not exist" + faq);
  }
  SECTION("the group has not subscribed") {
    join_group(fixture);
    TopicConfig topic = *fixture.topics->find("T");
    topic.name = "U";
    fixture.topics->update(topic);
    header.topic = "U";
    header.sys_flag = 0;
    expect(ResponseCode::subscription_not_exist, "the consumer's subscription not exist" + faq);
  }
  SECTION("the broker knows an older subscription") {
    join_group(fixture);
    header.sys_flag = 0;
    header.sub_version = 6;
    expect(ResponseCode::subscription_not_latest, "the consumer's subscription not latest");
  }
  SECTION("the group may not broadcast") {
    join_group(fixture, "*", "BROADCASTING");
    group.consume_broadcast_enable = false;
    fixture.groups->update(group);
    header.sys_flag = 0;
    expect(ResponseCode::no_permission, "the consumer group[G] can not consume by broadcast way", 4);
  }
  SECTION("the group is forbidden for the topic") {
    join_group(fixture);
    fixture.groups->set_forbidden("G", "T", kForbidReadIndex, true);
    header.sys_flag = 0;
    expect(ResponseCode::no_permission, "the consumer group[G] is forbidden for topic[T]", 5);
  }
}

TEST_CASE("a replica serves pulls when it may, and sends readers back while there is a master", "[broker][pull]") {
  CoreFixture fixture;
  fixture.config.broker.broker_role.set_value("SLAVE");
  fixture.config.broker.broker_id.set_value(1);
  SECTION("not allowed") {
    fixture.open();
    CHECK(code_of(fixture.pull_now(fixture.pull_header(0))) == ResponseCode::system_busy);
  }
  SECTION("allowed") {
    fixture.config.broker.slave_read.set_value(true);
    fixture.open();
    PutMessage message;
    message.fields.topic = "T";
    message.fields.body = "a";
    fixture.store.put(message, [](const PutResult&) {});
    CHECK(bodies(fixture.pull_now(fixture.pull_header(0))) == std::vector<std::string>{"a"});

    const auto at_end = fixture.pull_now(fixture.pull_header(1));
    CHECK(code_of(at_end) == ResponseCode::pull_retry_immediately);
    CHECK(at_end.ext.integer("suggestWhichBrokerId") == 0);
    const auto beyond = fixture.pull_now(fixture.pull_header(9));
    CHECK(code_of(beyond) == ResponseCode::pull_retry_immediately);
    CHECK(beyond.ext.integer("nextBeginOffset") == 9);

    fixture.master_known = false;  // Nobody else to ask: wait here.
    CHECK(code_of(fixture.pull_now(fixture.pull_header(1))) == ResponseCode::pull_not_found);
    CHECK(code_of(fixture.pull_now(fixture.pull_header(9))) == ResponseCode::pull_not_found);
  }
}

}  // namespace skylark::broker
