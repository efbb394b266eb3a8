// SPDX-License-Identifier: Apache-2.0
#include "client/detail/route.h"

#include "protocol/bodies/body.h"
#include "tests/support/catch.h"

using skylark::decode_body;
using skylark::TopicRouteData;
using skylark::client::limit_queues;
using skylark::client::MessageQueue;
using skylark::client::publish_queues;
using skylark::client::subscribe_queues;

namespace {

constexpr std::string_view kTwoBrokers =
    R"({"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.2:10911"},"brokerName":"broker-b","cluster":"C"},)"
    R"({"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.3:10911"},"brokerName":"broker-a","cluster":"C"}],"filterServerTable":{},)"
    R"("queueDatas":[{"brokerName":"broker-b","perm":6,"readQueueNums":1,"topicSysFlag":0,"writeQueueNums":2},)"
    R"({"brokerName":"broker-a","perm":6,"readQueueNums":2,"topicSysFlag":0,"writeQueueNums":1}]})";

TopicRouteData parse(std::string_view text) { return *decode_body<TopicRouteData>(text); }

}  // namespace

TEST_CASE("queues to publish to are the write queues, broker by broker in order of names", "[client][route]") {
  const auto queues = publish_queues(parse(kTwoBrokers), "T");
  CHECK(queues == std::vector<MessageQueue>{{"T", "broker-a", 0}, {"T", "broker-b", 0}, {"T", "broker-b", 1}});
}

TEST_CASE("queues to read are the read queues", "[client][route]") {
  const auto queues = subscribe_queues(parse(kTwoBrokers), "T");
  CHECK(queues == std::vector<MessageQueue>{{"T", "broker-a", 0}, {"T", "broker-a", 1}, {"T", "broker-b", 0}});
}

TEST_CASE("a broker without master or without the permission takes no messages", "[client][route]") {
  auto route = parse(kTwoBrokers);
  route.broker_datas[1].broker_addrs.erase(0);  // broker-a
  CHECK(publish_queues(route, "T") == std::vector<MessageQueue>{{"T", "broker-b", 0}, {"T", "broker-b", 1}});
  for (auto& queues : route.queue_datas) queues.perm = 4;
  CHECK(publish_queues(route, "T").empty());
  CHECK(subscribe_queues(route, "T").size() == 3);
  for (auto& queues : route.queue_datas) queues.perm = 2;
  CHECK(subscribe_queues(route, "T").empty());
}

TEST_CASE("an order configuration overrides the queues to publish to", "[client][route]") {
  auto route = parse(kTwoBrokers);
  route.order_topic_conf = "broker-b:1;nonsense;broker-a:2";
  CHECK(publish_queues(route, "T") == std::vector<MessageQueue>{{"T", "broker-b", 0}, {"T", "broker-a", 0}, {"T", "broker-a", 1}});
  CHECK(subscribe_queues(route, "T").size() == 3);
}

TEST_CASE("a topic yet to be created has at most the queues asked for", "[client][route]") {
  auto route = parse(kTwoBrokers);
  route.queue_datas[0].read_queue_nums = 8;
  const auto limited = limit_queues(route, 4);
  CHECK(limited.queue_datas[0].write_queue_nums == 4);
  CHECK(limited.queue_datas[1].write_queue_nums == 2);
}
