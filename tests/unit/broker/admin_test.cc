// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include "base/config.h"
#include "base/error.h"
#include "broker/broker_config.h"
#include "broker/config_writer.h"
#include "broker/handlers/admin_config.h"
#include "broker/handlers/admin_groups.h"
#include "broker/handlers/admin_queues.h"
#include "broker/handlers/admin_runtime_info.h"
#include "broker/handlers/admin_topics.h"
#include "broker/handlers/attributes.h"
#include "broker/handlers/query_message.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/consumer_bodies.h"
#include "protocol/bodies/tables.h"
#include "protocol/query_headers.h"
#include "tests/support/catch.h"
#include "tests/unit/broker/admin_fixture.h"

namespace skylark::broker {
namespace {

struct Fixture : AdminFixture {
  Fixture() {
    topics.set_persist_listener([this] { topics_file.changed(); });
    groups.set_persist_listener([this] { groups_file.changed(); });
  }
  /// Changes are answered when they are written.
  RemotingCommand answer_of(remoting::Reply reply) {
    writer.write_changed();
    return AdminFixture::answer_of(std::move(reply));
  }

  ConfigWriter writer;
  ConfigTable topics_file{writer, [this] { return topics.persist(); }};
  ConfigTable groups_file{writer, [this] { return groups.persist(); }};
  TopicAdmin topic_admin{store, topics, topics_file, offsets};
  GroupAdmin group_admin{groups, groups_file, offsets};

  static CreateTopicRequestHeader create_header(const std::string& topic) {
    CreateTopicRequestHeader header;
    header.topic = topic;
    header.default_topic = "TBW102";
    header.read_queue_nums = 4;
    header.write_queue_nums = 4;
    header.perm = 6;
    return header;
  }
  RemotingCommand create(const CreateTopicRequestHeader& header) {
    auto command = request(RequestCode::update_and_create_topic, header);
    return answer_of(topic_admin.update(command, tool));
  }
  template <class Header>
  RemotingCommand ask(RequestCode code, const Header& header, remoting::Reply (TopicAdmin::*function)(RemotingCommand&)) {
    auto command = request(code, header);
    return answer_of((topic_admin.*function)(command));
  }
  RemotingCommand remove(const DeleteTopicRequestHeader& header) {
    auto command = request(RequestCode::delete_topic_in_broker, header);
    return answer_of(topic_admin.remove(command, tool));
  }
  RemotingCommand with_body(RequestCode code, std::string body) {
    RemotingCommand command;
    command.code = to_int(code);
    command.body = Body(std::move(body));
    return command;
  }
};

}  // namespace

TEST_CASE("a topic is made, changed and read back", "[broker][admin]") {
  Fixture broker;
  auto header = Fixture::create_header("Orders");
  header.attributes = "+message.type=FIFO";
  REQUIRE(is(broker.create(header), ResponseCode::success));
  header.attributes.reset();
  header.write_queue_nums = 8;
  REQUIRE(is(broker.create(header), ResponseCode::success));

  GetTopicConfigRequestHeader get;
  get.topic = "Orders";
  const auto response = broker.ask(RequestCode::get_topic_config, get, &TopicAdmin::get);
  const auto config = decode_body<TopicConfig>(response.body.view());
  REQUIRE(config.has_value());
  CHECK(config->write_queues == 8);
  CHECK(config->read_queues == 4);
  CHECK(config->attributes == Attributes{{"message.type", "FIFO"}});
}

TEST_CASE("a change is answered when it is written, with what the disk says", "[broker][admin]") {
  Fixture broker;
  auto create = Fixture::request(RequestCode::update_and_create_topic, Fixture::create_header("Orders"));
  CHECK_FALSE(broker.topic_admin.update(create, broker.tool).has_response());
  auto group = broker.with_body(RequestCode::update_and_create_subscriptiongroup, R"({"groupName":"readers"})");
  CHECK_FALSE(broker.group_admin.update(group, broker.tool).has_response());
  CHECK(broker.topics.contains("Orders"));  // In force before it is durable.
  CHECK(broker.tool->take_sent().empty());
  broker.writer.write_changed();
  CHECK(broker.tool->take_sent().size() == 2);

  ErrorCode disk = make_error_code(Errc::no_space);
  ConfigTable refused(broker.writer, [&disk] { return disk ? Result<void>(disk) : Result<void>(); });
  broker.topics.set_persist_listener([&refused] { refused.changed(); });
  TopicAdmin topics(broker.store, broker.topics, refused, broker.offsets);
  auto other = Fixture::request(RequestCode::update_and_create_topic, Fixture::create_header("Other"));
  const auto response = broker.answer_of(topics.update(other, broker.tool));
  CHECK(is(response, ResponseCode::system_error));
  CHECK(response.remark.ends_with(disk.message()));
  disk.clear();
  CHECK(is(broker.answer_of(topics.update(other, broker.tool)), ResponseCode::success));  // Nothing to change, but to be written.
}

TEST_CASE("names that cannot be topics are refused in Java's words", "[broker][admin]") {
  Fixture broker;
  const auto remark_of = [&](const std::string& name) {
    const auto response = broker.create(Fixture::create_header(name));
    CHECK(is(response, ResponseCode::invalid_parameter));
    return response.remark;
  };
  CHECK(remark_of("") == "The specified topic is blank.");
  CHECK(remark_of("no spaces") == "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
  CHECK(remark_of(std::string(128, 'x')) == "The specified topic is longer than topic max length.");
  CHECK(remark_of("SELF_TEST_TOPIC") == "The topic[SELF_TEST_TOPIC] is conflict with system topic.");
}

TEST_CASE("attributes are checked before a topic is touched", "[broker][admin]") {
  Fixture broker;
  auto header = Fixture::create_header("Orders");
  header.attributes = "+message.type=MIXED";
  CHECK(broker.create(header).remark == "MIXED message type is not supported.");
  header.attributes = "+colour=red";
  CHECK(is(broker.create(header), ResponseCode::system_error));
  header.attributes = "nonsense";
  CHECK(broker.create(header).remark == "kv string format wrong.");
  CHECK_FALSE(broker.topics.contains("Orders"));
}

TEST_CASE("fixed attributes stay, changeable ones change, and keys are deleted", "[broker][admin]") {
  const Attributes current{{"queue.type", "BatchCQ"}, {"message.type", "FIFO"}};
  const auto alter = [&](std::string_view text) {
    return alter_attributes(false, topic_attribute_rules(), current, parse_attribute_text(text).attributes);
  };
  CHECK(alter("+message.type=DELAY").attributes.at("message.type") == "DELAY");
  CHECK(alter("-message.type").attributes == Attributes{{"queue.type", "BatchCQ"}});
  CHECK_FALSE(alter("+queue.type=SimpleCQ").problem.empty());
  CHECK(alter("+queue.type=BatchCQ").problem.empty());
  CHECK_FALSE(alter("-reserve.time").problem.empty());
  CHECK_FALSE(alter("+reserve.time=-2").problem.empty());
  CHECK_FALSE(alter_attributes(true, topic_attribute_rules(), {}, {{"-message.type", ""}}).problem.empty());
  CHECK_FALSE(parse_attribute_text("+a=1,+a=2").problem.empty());
}

TEST_CASE("deleting a topic takes its messages, offsets and pop retry topics with it", "[broker][admin]") {
  Fixture broker;
  broker.add_topic("Orders");
  broker.add_topic("%RETRY%readers_Orders");
  broker.send("Orders", "order 1");
  broker.offsets.commit("readers", "Orders", 0, 1);
  DeleteTopicRequestHeader header;
  header.topic = "Orders";
  REQUIRE(is(broker.remove(header), ResponseCode::success));
  CHECK_FALSE(broker.topics.contains("Orders"));
  CHECK_FALSE(broker.topics.contains("%RETRY%readers_Orders"));
  CHECK(broker.offsets.query("readers", "Orders", 0) == -1);
  CHECK(broker.store.max_offset("Orders", 0) == 0);

  header.topic = "SCHEDULE_TOPIC_XXXX";
  CHECK(is(broker.remove(header), ResponseCode::invalid_parameter));
  header.topic = "";
  CHECK(broker.remove(header).remark == "The specified topic is blank.");
}

TEST_CASE("a list of topics is made at once, and queues of unknown topics are cleaned", "[broker][admin]") {
  Fixture broker;
  broker.send("Leftover", "old");
  auto command =
      broker.with_body(RequestCode::update_and_create_topic_list,
                       R"({"topicConfigList":[{"topicName":"A","readQueueNums":1,"writeQueueNums":1,"perm":6},)"
                       R"({"topicName":"B","readQueueNums":2,"writeQueueNums":2,"perm":6,"attributes":{"+message.type":"DELAY"}}]})");
  REQUIRE(is(broker.answer_of(broker.topic_admin.update_list(command, broker.tool)), ResponseCode::success));
  CHECK(broker.topics.find("A")->write_queues == 1);
  CHECK(broker.topics.find("B")->attributes.at("message.type") == "DELAY");

  auto clean = broker.with_body(RequestCode::clean_unused_topic, {});
  CHECK(is(broker.answer_of(broker.topic_admin.clean_unused(clean)), ResponseCode::success));
  CHECK(broker.store.queues().empty());
}

TEST_CASE("groups are made, listed, forbidden to read and deleted", "[broker][admin]") {
  Fixture broker;
  auto update = broker.with_body(RequestCode::update_and_create_subscriptiongroup, R"({"groupName":"readers","retryMaxTimes":3})");
  REQUIRE(is(broker.answer_of(broker.group_admin.update(update, broker.tool)), ResponseCode::success));
  CHECK(broker.groups.find_existing("readers")->retry_times_max == 3);
  auto list = broker.with_body(RequestCode::get_all_subscriptiongroup_config, {});
  CHECK(broker.answer_of(broker.group_admin.list(list)).body.view().find("\"readers\"") != std::string_view::npos);

  UpdateGroupForbiddenRequestHeader forbid;
  forbid.group = "readers";
  forbid.topic = "Orders";
  forbid.readable = false;
  auto command = Fixture::request(RequestCode::update_and_get_group_forbidden, forbid);
  const auto forbidden = decode_body<GroupForbidden>(broker.answer_of(broker.group_admin.forbid(command, broker.tool)).body.view());
  REQUIRE(forbidden.has_value());
  CHECK_FALSE(forbidden->readable);
  CHECK(broker.groups.is_forbidden("readers", "Orders", kForbidReadIndex));

  broker.offsets.commit("readers", "Orders", 0, 5);
  DeleteSubscriptionGroupRequestHeader remove;
  remove.group_name = "readers";
  remove.clean_offset = true;
  auto removal = Fixture::request(RequestCode::delete_subscriptiongroup, remove);
  CHECK(is(broker.answer_of(broker.group_admin.remove(removal, broker.tool)), ResponseCode::success));
  CHECK_FALSE(broker.groups.contains("readers"));
  CHECK(broker.offsets.query("readers", "Orders", 0) == -1);
}

TEST_CASE("a group that may not be made is not found", "[broker][admin]") {
  Fixture broker;
  GetSubscriptionGroupConfigRequestHeader header;
  header.group = "bad name!";
  auto command = Fixture::request(RequestCode::get_subscriptiongroup_config, header);
  CHECK(broker.answer_of(broker.group_admin.get(command)).remark == "No group in this broker");
  header.group = "readers";
  auto made = Fixture::request(RequestCode::get_subscriptiongroup_config, header);
  CHECK(is(broker.answer_of(broker.group_admin.get(made)), ResponseCode::success));
}

TEST_CASE("messages are found by key and by place, or not in Java's words", "[broker][admin]") {
  Fixture broker;
  std::string properties;
  append_property(properties, property::kKeys, "k1 k2");
  const PutResult put = broker.send("Orders", "order 1", 0, properties);
  QueryMessageHandler handler(broker.store, 64, 32);

  QueryMessageRequestHeader by_key;
  by_key.topic = "Orders";
  by_key.key = "k2";
  by_key.count_max = 10;
  by_key.end_timestamp = broker.clock.now_ms();
  auto command = Fixture::request(RequestCode::query_message, by_key);
  const auto found = broker.answer_of(handler.by_key(command));
  REQUIRE(is(found, ResponseCode::success));
  CHECK(decode_record(found.body.to_string())->physical_offset == put.physical_offset);
  CHECK(found.ext.integer("indexLastUpdatePhyoffset") == put.physical_offset);
  by_key.key = "k3";
  auto no_such_key = Fixture::request(RequestCode::query_message, by_key);
  const auto missing = broker.answer_of(handler.by_key(no_such_key));
  CHECK(is(missing, ResponseCode::query_not_found));
  CHECK(missing.remark == "can not find message, maybe time range not correct");
  CHECK(missing.ext.find("indexLastUpdateTimestamp") != nullptr);

  ViewMessageRequestHeader by_offset;
  by_offset.physical_offset = put.physical_offset;
  auto view = Fixture::request(RequestCode::view_message_by_id, by_offset);
  CHECK(is(broker.answer_of(handler.by_offset(view)), ResponseCode::success));
  by_offset.physical_offset = 12'345;
  auto nowhere = Fixture::request(RequestCode::view_message_by_id, by_offset);
  CHECK(broker.answer_of(handler.by_offset(nowhere)).remark == "can not find message by the offset, 12345");
}

TEST_CASE("entries of a consume queue are shown with what a subscription makes of them", "[broker][admin]") {
  Fixture broker;
  QueueAdmin admin(broker.store, broker.topics, broker.consumers);
  std::string paid;
  append_property(paid, property::kTags, "paid");
  const PutResult put = broker.send("Orders", "order 1", 0, paid);
  broker.send("Orders", "order 2");

  QueryConsumeQueueRequestHeader header;
  header.topic = "Orders";
  header.count = 10;
  auto command = Fixture::request(RequestCode::query_consume_queue, header);
  const auto body = decode_body<QueryConsumeQueueResponseBody>(broker.answer_of(admin.entries(command)).body.view());
  REQUIRE(body.has_value());
  REQUIRE(body->queue_data.size() == 2);
  CHECK(body->queue_data[0].tags_code == tags_code("paid"));
  CHECK(body->queue_data[0].physical_size == put.record_size);
  CHECK_FALSE(body->queue_data[0].eval);
  CHECK(body->max_queue_index == 2);

  header.index = 5;
  auto outside = Fixture::request(RequestCode::query_consume_queue, header);
  const auto nothing = broker.answer_of(admin.entries(outside));
  CHECK(is(nothing, ResponseCode::success));
  CHECK(nothing.remark == "Index 5 of 0@Orders is not exist!");
  header.queue_id = 9;
  auto no_queue = Fixture::request(RequestCode::query_consume_queue, header);
  CHECK(broker.answer_of(admin.entries(no_queue)).remark == "9@Orders is not exist!");
}

TEST_CASE("runtime information holds a value for everything that exporters parse", "[broker][admin]") {
  Fixture broker;
  BrokerConfig config;
  config.store.root.set_value(broker.folder.path());
  broker.send("Orders", "order 1");
  RuntimeInfo info(
      config, broker.store, broker.stats, *broker.files, broker.clock,
      [] {
        return std::map<std::int32_t, std::int64_t>{{3, 1}};
      },
      [] { return nullptr; });
  auto command = broker.with_body(RequestCode::get_broker_runtime_info, {});
  const auto body = decode_body<KvTable>(broker.answer_of(info.get(command)).body.view());
  REQUIRE(body.has_value());
  for (const char* key : {"bootTimestamp",
                          "runtime",
                          "putMessageEntireTimeMax",
                          "putMessageTimesTotal",
                          "putMessageFailedTimes",
                          "putMessageSizeTotal",
                          "putMessageDistributeTime",
                          "putMessageAverageSize",
                          "dispatchMaxBuffer",
                          "getMessageEntireTimeMax",
                          "putTps",
                          "getFoundTps",
                          "getMissTps",
                          "getTotalTps",
                          "getTransferredTps",
                          "getTransferedTps",
                          "putLatency99",
                          "putLatency999",
                          "commitLogDiskRatio",
                          "consumeQueueDiskRatio",
                          "commitLogMinOffset",
                          "commitLogMaxOffset",
                          "scheduleMessageOffset_3",
                          "brokerActive",
                          "brokerVersionDesc",
                          "brokerVersion",
                          "msgPutTotalYesterdayMorning",
                          "msgPutTotalTodayMorning",
                          "msgPutTotalTodayNow",
                          "msgGetTotalYesterdayMorning",
                          "msgGetTotalTodayMorning",
                          "msgGetTotalTodayNow",
                          "dispatchBehindBytes",
                          "pageCacheLockTimeMills",
                          "earliestMessageTimeStamp",
                          "startAcceptSendRequestTimeStamp",
                          "timerReadBehind",
                          "timerOffsetBehind",
                          "timerCongestNum",
                          "timerEnqueueTps",
                          "timerDequeueTps",
                          "remainHowManyDataToFlush",
                          "commitLogDirCapacity",
                          "sendThreadPoolQueueSize",
                          "sendThreadPoolQueueCapacity",
                          "pullThreadPoolQueueSize",
                          "pullThreadPoolQueueCapacity",
                          "litePullThreadPoolQueueSize",
                          "litePullThreadPoolQueueCapacity",
                          "queryThreadPoolQueueSize",
                          "queryThreadPoolQueueCapacity",
                          "ackThreadPoolQueueSize",
                          "ackThreadPoolQueueCapacity",
                          "sendThreadPoolQueueHeadWaitTimeMills",
                          "pullThreadPoolQueueHeadWaitTimeMills",
                          "queryThreadPoolQueueHeadWaitTimeMills",
                          "litePullThreadPoolQueueHeadWaitTimeMills",
                          "ackThreadPoolQueueHeadWaitTimeMills",
                          "EndTransactionQueueSize",
                          "remainTransientStoreBufferNumbs",
                          "EndTransactionThreadPoolQueueCapacity"}) {
    INFO(key);
    CHECK(body->table.count(key) == 1);
  }
  CHECK(body->table.at("earliestMessageTimeStamp") == std::to_string(broker.clock.now_ms()));
  CHECK(body->table.at("scheduleMessageOffset_3") == "1,0");
}

TEST_CASE("configuration is read and changed by admin requests, but for the black list", "[broker][admin]") {
  Fixture broker;
  BrokerConfig config;
  int announced = 0;
  ConfigAdmin admin(config.all(), broker.clock, "namesrvAddr", broker.folder.path() + "/broker.properties", [&] { ++announced; });
  const auto update = [&](std::string text) {
    auto command = broker.with_body(RequestCode::update_broker_config, std::move(text));
    return broker.answer_of(admin.update(command));
  };
  const auto version_of = [&](const RemotingCommand& response) { return response.ext.text("version").value_or(""); };

  auto get = broker.with_body(RequestCode::get_broker_config, {});
  const auto before = broker.answer_of(admin.get(get));
  CHECK(before.body.view().find("brokerPermission=6\n") != std::string_view::npos);
  CHECK(is(update("brokerPermission=4\n"), ResponseCode::success));
  CHECK(announced == 1);
  auto get_again = broker.with_body(RequestCode::get_broker_config, {});
  const auto after = broker.answer_of(admin.get(get_again));
  CHECK(after.body.view().find("brokerPermission=4\n") != std::string_view::npos);
  CHECK(version_of(before) != version_of(after));

  CHECK(update("namesrvAddr=elsewhere:9876\n").remark == "Can not update config in black list.");
  CHECK(is(update("configBlackList=\n"), ResponseCode::no_permission));
  CHECK(update("").remark == "string2Properties error");
  CHECK(is(update("brokerPermission=many\n"), ResponseCode::system_error));
  CHECK(is(update("someUnknownKey=1\n"), ResponseCode::success));
}

}  // namespace skylark::broker
