// SPDX-License-Identifier: Apache-2.0
// Samples are what the 5.3.3 classes of Java emit.
#include "protocol/bodies/body.h"

#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/bodies/connections.h"
#include "protocol/bodies/consumer_bodies.h"
#include "protocol/bodies/ha_runtime_info.h"
#include "protocol/bodies/heartbeat.h"
#include "protocol/bodies/locks.h"
#include "protocol/bodies/offsets.h"
#include "protocol/bodies/register_broker_body.h"
#include "protocol/bodies/stats.h"
#include "protocol/bodies/subscription_group.h"
#include "protocol/bodies/tables.h"
#include "protocol/bodies/topic_config.h"
#include "protocol/bodies/topic_route.h"
#include "protocol/message.h"
#include "tests/support/catch.h"

namespace skylark {
namespace {

template <class T>
void check_sample(const char* text) {
  INFO(text);
  const auto body = decode_body<T>(text);
  REQUIRE(body);
  CHECK(encode_body(*body) == text);
}

#define SUBSCRIPTION                                                                                           \
  R"({"classFilterMode":false,"codeSet":[2598919,2598920],"expressionType":"TAG","subString":"TagA || TagB",)" \
  R"("subVersion":1700000000001,"tagsSet":["TagA","TagB"],"topic":"T"})"
#define QUEUE R"({"brokerName":"broker-a","queueId":0,"topic":"T"})"
#define VERSION R"({"counter":7,"stateVersion":0,"timestamp":1700000000000})"
#define TOPIC                                                                                                           \
  R"({"attributes":{"message.type":"NORMAL"},"order":false,"perm":6,"readQueueNums":8,"topicFilterType":"SINGLE_TAG",)" \
  R"("topicName":"T","topicSysFlag":0,"writeQueueNums":8})"
#define GROUP                                                                                                             \
  R"({"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,"consumeFromMinEnable":true,)"      \
  R"("consumeMessageOrderly":false,"consumeTimeoutMinute":15,"groupName":"CG","groupRetryPolicy":{"type":"CUSTOMIZED"},)" \
  R"("groupSysFlag":0,"notifyConsumerIdsChangedEnable":true,"retryMaxTimes":16,"retryQueueNums":1,)"                      \
  R"("whichBrokerWhenConsumeSlowly":1})"

TEST_CASE("bodies of topics, groups and routes are read and written back", "[protocol][body]") {
  check_sample<DataVersion>(VERSION);
  check_sample<TopicConfig>(TOPIC);
  check_sample<TopicConfigTable>(R"({"dataVersion":)" VERSION R"(,"topicConfigTable":{"T":)" TOPIC "}}");
  check_sample<SubscriptionGroupConfig>(GROUP);
  check_sample<SubscriptionGroupTable>(R"({"dataVersion":)" VERSION
                                       R"(,"forbiddenTable":{"CG":{"T":4}},"subscriptionGroupTable":{"CG":)" GROUP "}}");
  check_sample<RegisterBrokerBody>(R"({"filterServerList":["10.0.0.1:1"],"topicConfigSerializeWrapper":{"dataVersion":)" VERSION
                                   R"(,"mappingDataVersion":)" VERSION R"(,"topicConfigTable":{"T":)" TOPIC
                                   R"(},"topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{}}})");
  check_sample<TopicRouteData>(
      R"({"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster",)"
      R"("enableActingMaster":false,"zoneName":"z"}],"filterServerTable":{"10.0.0.1:10911":["f"]},"orderTopicConf":"broker-a:8",)"
      R"("queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]})");
  check_sample<ClusterInfo>(
      R"({"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a",)"
      R"("cluster":"DefaultCluster","enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}})");
  check_sample<ClusterInfo>(R"({"brokerAddrTable":{},"clusterAddrTable":{}})");
  check_sample<BrokerMemberGroup>(R"({"brokerMemberGroup":{"brokerAddrs":{0:"10.0.0.1:10911"},"brokerName":"b","cluster":"c"}})");
}

TEST_CASE("bodies of clients are read and written back", "[protocol][body]") {
  const auto heartbeat = HeartbeatData::parse(
      R"({"clientID":"c","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_TIMESTAMP","consumeType":"CONSUME_ACTIVELY",)"
      R"("groupName":"CG","messageModel":"BROADCASTING","subscriptionDataSet":[)" SUBSCRIPTION R"(],"unitMode":true}],)"
      R"("heartbeatFingerprint":5,"producerDataSet":[{"groupName":"PG"}],"withoutSub":true})");
  REQUIRE(heartbeat);
  CHECK(heartbeat->consumers.front().subscriptions.front().wants(2598920));
  CHECK(json::write(heartbeat->to_json()) ==
        R"({"clientID":"c","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_TIMESTAMP","consumeType":"CONSUME_ACTIVELY",)"
        R"("groupName":"CG","messageModel":"BROADCASTING","subscriptionDataSet":[)" SUBSCRIPTION R"(],"unitMode":true}],)"
        R"("heartbeatFingerprint":5,"producerDataSet":[{"groupName":"PG"}],"withoutSub":true})");
  check_sample<CheckClientRequestBody>(R"({"clientId":"cid","group":"CG","subscriptionData":)" SUBSCRIPTION "}");
  check_sample<ConsumerIdList>(R"({"consumerIdList":["a","b"]})");
  check_sample<LockBatchRequestBody>(R"({"clientId":"cid","consumerGroup":"CG","mqSet":[)" QUEUE R"(],"onlyThisBroker":false})");
  check_sample<LockBatchResponseBody>(R"({"lockOKMQSet":[)" QUEUE "]}");
  check_sample<ConsumerConnection>(
      R"({"connectionSet":[{"clientAddr":"10.0.0.9:54321","clientId":"10.0.0.9@123#456","language":"JAVA","version":479}],)"
      R"("consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING",)"
      R"("subscriptionTable":{"T":)" SUBSCRIPTION "}}");
  check_sample<ProducerConnection>(R"({"connectionSet":[{"clientAddr":"a","clientId":"c","language":"GO","version":317}]})");
  check_sample<ProducerTableInfo>(
      R"({"data":{"PG":[{"clientId":"cid","language":"CPP","lastUpdateTimestamp":1700000000000,"remoteIP":"/10.0.0.9:51234","version":479}]}})");
  check_sample<ConsumeMessageDirectlyResult>(
      R"({"autoCommit":true,"consumeResult":"CR_THROW_EXCEPTION","order":false,"remark":"why","spentTimeMills":3})");
  check_sample<ConsumerRunningInfo>(
      R"({"jstack":"s","mqPopTable":{},"mqTable":{)" QUEUE R"(:{"cachedMsgCount":1,"cachedMsgMaxOffset":2,"cachedMsgMinOffset":3,)"
      R"("cachedMsgSizeInMiB":4,"commitOffset":5,"droped":false,"lastConsumeTimestamp":6,"lastLockTimestamp":7,)"
      R"("lastPullTimestamp":8,"locked":true,"transactionMsgCount":0,"transactionMsgMaxOffset":0,"transactionMsgMinOffset":0,)"
      R"("tryUnlockTimes":0}},"properties":{"PROP_CONSUME_TYPE":"CONSUME_PASSIVELY"},"statusTable":{"T":{"consumeFailedMsgs":0,)"
      R"("consumeFailedTPS":0.0,"consumeOKTPS":1.5,"consumeRT":0.25,"pullRT":0.0,"pullTPS":0.0}},"subscriptionSet":[)" SUBSCRIPTION
      R"(],"userConsumerInfo":{}})");
}

TEST_CASE("bodies of progress and statistics are read and written back", "[protocol][body]") {
  check_sample<ConsumerOffsetTable>(R"({"dataVersion":)" VERSION R"(,"offsetTable":{"T@CG":{0:5,1:6}}})");
  check_sample<DelayOffsetTable>(R"({"dataVersion":)" VERSION R"(,"offsetTable":{3:100}})");
  check_sample<ResetOffsetBody>(R"({"offsetTable":{)" QUEUE ":5}}");
  check_sample<GetConsumerStatusBody>(R"({"consumerTable":{"cid":{)" QUEUE R"(:5}},"messageQueueTable":{)" QUEUE ":5}}");
  check_sample<QueryCorrectionOffsetBody>(R"({"correctionOffsets":{0:5}})");
  check_sample<ConsumeStats>(R"({"consumeTps":1.5,"offsetTable":{)" QUEUE
                             R"(:{"brokerOffset":100,"consumerOffset":90,"lastTimestamp":1700000000000,"pullOffset":95}}})");
  check_sample<ConsumeStatsList>(
      R"({"brokerAddr":"10.0.0.1:10911","consumeStatsList":[{"CG":[{"consumeTps":0.0,"offsetTable":{}}]}],"totalDiff":10,"totalInflightDiff":0})");
  check_sample<TopicStatsTable>(R"({"offsetTable":{)" QUEUE
                                R"(:{"lastUpdateTimestamp":1700000000000,"maxOffset":100,"minOffset":0}},"topicPutTps":0.0})");
  check_sample<BrokerStatsData>(
      R"({"statsDay":{"avgpt":0.0,"sum":0,"tps":0.0},"statsHour":{"avgpt":1.0,"sum":2,"tps":3.0},"statsMinute":{"avgpt":0.0,"sum":0,"tps":0.5}})");
  check_sample<KvTable>(R"({"table":{"k":"v"}})");
  check_sample<TopicList>(R"({"brokerAddr":"10.0.0.1:10911","topicList":["T"]})");
  check_sample<TopicList>(R"({"topicList":[]})");
  check_sample<GroupList>(R"({"groupList":["CG"]})");
  check_sample<HaRuntimeInfo>(
      R"({"haClientRuntimeInfo":{"lastReadTimestamp":0,"lastWriteTimestamp":0,"masterAddr":"10.0.0.1:10912","masterFlushOffset":0,)"
      R"("maxOffset":0,"transferredByteInSecond":0},"haConnectionInfo":[{"addr":"10.0.0.2:5000","diff":100,"inSync":true,)"
      R"("slaveAckOffset":900,"transferFromWhere":900,"transferredByteInSecond":1}],"inSyncSlaveNums":1,"master":true,)"
      R"("masterCommitLogMaxOffset":1000})");
  check_sample<QuerySubscriptionResponseBody>(R"({"group":"CG","subscriptionData":)" SUBSCRIPTION R"(,"topic":"T"})");
  check_sample<QueryConsumeQueueResponseBody>(
      R"({"maxQueueIndex":10,"minQueueIndex":0,"queueData":[{"eval":false,"physicOffset":5,"physicSize":100,"tagsCode":0}],)"
      R"("subscriptionData":)" SUBSCRIPTION "}");
  check_sample<GroupForbidden>(R"({"group":"CG","readable":false,"topic":"T"})");
}

TEST_CASE("a reset is also read and written in the form of C++ clients", "[protocol][body]") {
  const char* text = R"({"offsetTable":[{"brokerName":"broker-a","offset":5,"queueId":0,"topic":"T"}]})";
  const auto body = decode_body<ResetOffsetBody>(text);
  REQUIRE(body);
  CHECK(body->offsets.at({.topic = "T", .broker_name = "broker-a", .queue_id = 0}) == 5);
  CHECK(json::write(body->to_json_for_cpp()) == text);
}

TEST_CASE("keys that are objects may come as text", "[protocol][body]") {
  const auto body = decode_body<ResetOffsetBody>(R"({"offsetTable":{"{\"brokerName\":\"b\",\"queueId\":\"2\",\"topic\":\"T\"}":"7"}})");
  REQUIRE(body);
  CHECK(body->offsets.at({.topic = "T", .broker_name = "b", .queue_id = 2}) == 7);
}

TEST_CASE("a route reads the same with bare and quoted broker ids", "[protocol][body]") {
  const auto bare = decode_body<TopicRouteData>(R"({"brokerDatas":[{"brokerAddrs":{0:"a",1:"b"}}]})");
  REQUIRE(bare);
  const std::string quoted = encode_body(*bare, json::IntegerKeys::quoted);
  CHECK(quoted.find(R"({"0":"a","1":"b"})") != std::string::npos);
  CHECK(decode_body<TopicRouteData>(quoted).value() == *bare);
}

TEST_CASE("consume spans carry their times as text too", "[protocol][body]") {
  QueryConsumeTimeSpanBody body;
  QueueTimeSpan& span = body.spans.emplace_back();
  span.consume_timestamp = 1;
  span.delay_ms = 5;
  span.max_timestamp = 2;
  span.min_timestamp = -1;
  const std::string text = encode_body(body);
  CHECK(text.find("#") != std::string::npos);
  CHECK(text.find(":001\"") != std::string::npos);
  CHECK(text.find(":999\"") != std::string::npos);
  CHECK(decode_body<QueryConsumeTimeSpanBody>(text)->spans.front().delay_ms == 5);
}

TEST_CASE("a registration survives its compressed form but for what that leaves out", "[protocol][body]") {
  RegisterBrokerBody body;
  body.filter_servers = {"10.0.0.1:1"};
  body.topics.version = {.timestamp = 5, .counter = 6, .state_version = 7};
  for (const char* name : {"plain", "%RETRY%G", "with-attributes"}) body.topics.topics[name].name = name;
  body.topics.topics["with-attributes"].attributes = {{"message.type", "FIFO"}, {"queue.type", "SimpleCQ"}};
  body.topics.topics["with-attributes"].multi_tag = true;
  body.topics.topics["plain"].perm = 4;
  const std::string bytes = body.encode_compressed();
  const auto again = decode_register_broker_body(bytes, true, 479);
  REQUIRE(again);
  CHECK(again->topics.version == body.topics.version);
  CHECK(again->topics.topics == body.topics.topics);
  CHECK(again->filter_servers == body.filter_servers);
  CHECK(encode_body(decode_register_broker_body(encode_body(body), false, 479).value()) == encode_body(body));
  CHECK(RegisterBrokerBody::decode_compressed(bytes, 16).error() == make_error_code(Errc::too_large));
}

TEST_CASE("old and empty registrations are read", "[protocol][body]") {
  const auto old = decode_register_broker_body(R"({"dataVersion":)" VERSION R"(,"topicConfigTable":{"T":)" TOPIC "}}", false, 36);
  REQUIRE(old);
  CHECK(old->topics.topics.contains("T"));
  const auto empty = decode_register_broker_body("", true, 479);
  REQUIRE(empty);
  CHECK(empty->topics.version == DataVersion{});
}

TEST_CASE("broken compressed registrations are refused", "[protocol][body]") {
  const auto counted = [](std::string_view text) {
    std::string bytes;
    append_be(bytes, static_cast<std::int32_t>(text.size()));
    return bytes.append(text);
  };
  const auto number = [](std::int32_t value) {
    std::string bytes;
    append_be(bytes, value);
    return bytes;
  };
  const std::string version = counted(VERSION);
  const std::string none = counted("[]");
  const std::string cases[] = {
      "",
      version,
      version + number(-1) + none,
      version + number(2'000'000'000) + none,
      version + number(1) + none,
      version + number(1) + counted("T 8 8 6") + none,
      version + number(1) + counted("T 8 x 6 SINGLE_TAG") + none,
      version + number(1) + counted(" 8 8 6 SINGLE_TAG") + none,
      version + number(0) + counted("["),
      version + number(0) + number(100) + "[]",
      counted("no json") + number(0) + none,
      number(-5) + version,
  };
  for (const std::string& plain : cases) {
    INFO(plain);
    CHECK(RegisterBrokerBody::decode_compressed(compress_zlib(plain)).error() == make_error_code(Errc::malformed));
  }
  CHECK(RegisterBrokerBody::decode_compressed(compress_zlib(version + number(1) + counted("T 8 8 6 SINGLE_TAG {no json") + none)));
  CHECK_FALSE(RegisterBrokerBody::decode_compressed("no zlib"));
}

TEST_CASE("bodies that are no object are refused, senseless members are not", "[protocol][body]") {
  for (const char* text : {"", "[]", "7", "\"x\"", "null", "{"}) {
    CHECK_FALSE(decode_body<TopicRouteData>(text));
    CHECK_FALSE(HeartbeatData::parse(text));
  }
  const auto route = decode_body<TopicRouteData>(R"({"brokerDatas":7,"queueDatas":{"a":1},"filterServerTable":[null],"unknown":{}})");
  REQUIRE(route);
  CHECK(route->broker_datas.empty());
  CHECK(decode_body<TopicConfig>(R"({"perm":"x","readQueueNums":99999999999})")->perm == 6);
}

TEST_CASE("subscriptions are made of tags as in Java", "[protocol][body]") {
  const auto data = SubscriptionData::parse("T", " TagA || TagB||TagA ");
  REQUIRE(data);
  CHECK(data->tags == std::set<std::string>{"TagA", "TagB"});
  CHECK(data->codes == std::set<std::int32_t>{2598919, 2598920});
  CHECK(data->wants(2598919));
  CHECK_FALSE(data->wants(0));
  CHECK(SubscriptionData::parse("T", "")->wants(123));
  CHECK(SubscriptionData::parse("T", "*")->matches_all());
  CHECK_FALSE(SubscriptionData::parse("T", "||"));
}

TEST_CASE("config files of the Java broker pass through their bodies", "[protocol][body][golden]") {
  const auto read = [](const char* file) {
    std::ifstream in(std::string(SKYLARK_GOLDEN_DIR) + "/config/" + file);
    std::ostringstream text;
    text << in.rdbuf();
    return json::parse(text.str()).value();
  };
  const auto members = [](const json::Value& table) {
    std::map<std::string, std::string> by_key;
    for (const auto& [key, value] : table.members()) by_key[json::write(key)] = json::write(value);
    return by_key;
  };
  const json::Value topics = read("topics.json");
  CHECK(members(TopicConfigTable::from_json(topics).to_json()["topicConfigTable"]) == members(topics["topicConfigTable"]));
  const json::Value groups = read("subscriptionGroup.json");
  CHECK(members(SubscriptionGroupTable::from_json(groups).to_json()["subscriptionGroupTable"]) ==
        members(groups["subscriptionGroupTable"]));
  const json::Value offsets = read("consumerOffset.json");
  CHECK(members(ConsumerOffsetTable::from_json(offsets).to_json()["offsetTable"]) == members(offsets["offsetTable"]));
  const json::Value delays = read("delayOffset.json");
  CHECK(json::write(DelayOffsetTable::from_json(delays).to_json()) == json::write(delays));
}

}  // namespace
}  // namespace skylark
