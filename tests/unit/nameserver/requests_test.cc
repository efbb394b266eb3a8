// SPDX-License-Identifier: Apache-2.0
#include "nameserver/requests.h"

#include <chrono>
#include <initializer_list>
#include <memory>

#include "base/config.h"
#include "base/crc32.h"
#include "base/file_system.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/tables.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace skylark::nameserver {
namespace {

using namespace std::chrono_literals;
using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

struct Fixture {
  Fixture() {
    config.set("kvConfigPath", folder.path() + "/kvConfig.json", Origin::flag);
    config.set("configStorePath", folder.path() + "/namesrv.properties", Origin::flag);
    add_broker_requests(table, context);
    add_route_requests(table, context);
    add_config_requests(table, context);
  }

  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  NameServerConfig settings;
  Config config{{&settings}};
  ManualClock clock;
  RouteTable routes{clock};
  KvConfig kv_config{*files, folder.path() + "/kvConfig.json"};
  RequestContext context{settings, config, routes, kv_config, clock, clock.steady_ms()};
  RequestTable table;

  RemotingCommand ask(RequestCode code, Fields fields, std::string body = {}, std::int16_t version = kProtocolVersion) {
    RemotingCommand request;
    request.code = to_int(code);
    request.version = version;
    for (const auto& [name, value] : fields) request.ext.add(name, value);
    request.body = Body(std::move(body));
    return table.answer(request, 1);
  }
  RemotingCommand register_broker(std::string body, std::string_view crc = "0", std::string_view compressed = "false") {
    return ask(RequestCode::register_broker,
               {{"brokerName", "broker-a"}, {"brokerAddr", "10.0.0.1:10911"}, {"clusterName", "c"}, {"haServerAddr", "10.0.0.1:10912"},
                {"brokerId", "0"}, {"bodyCrc32", crc}, {"compressed", compressed}},
               std::move(body));
  }
};

RegisterBrokerBody sample_body() {
  RegisterBrokerBody body;
  body.topics.version = {.timestamp = 1'700'000'000'000, .counter = 7};
  for (const auto* name : {"T", "U"}) {
    auto& topic = body.topics.topics[name];
    topic.name = name;
    topic.read_queues = topic.write_queues = 8;
  }
  return body;
}

std::string body_of(const RemotingCommand& response) { return response.body.to_string(); }

TEST_CASE("a route is written as the sender's version reads it", "[nameserver]") {
  Fixture it;
  REQUIRE(it.register_broker(encode_body(sample_body())).code == 0);
  const std::string rest =
      R"("brokerName":"broker-a","cluster":"c","enableActingMaster":false}],"filterServerTable":{},)"
      R"("queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]})";
  const std::string bare = R"({"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911"},)" + rest;
  const std::string quoted = R"({"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911"},)" + rest;
  CHECK(body_of(it.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "T"}}, "", 401)) == quoted);
  CHECK(body_of(it.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "T"}}, "", 400)) == bare);
  CHECK(body_of(it.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "T"}, {"acceptStandardJsonOnly", "true"}}, "", 121)) == quoted);
}

TEST_CASE("a topic without a route is answered with Java's text", "[nameserver]") {
  Fixture it;
  const auto response = it.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "T"}});
  CHECK(response.code == to_int(ResponseCode::topic_not_exist));
  CHECK(response.remark ==
        "No topic route info in name server for the topic: T\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.");
  CHECK(it.ask(RequestCode::get_routeinfo_by_topic, {}).remark.starts_with("No topic route info in name server for the topic: null\n"));
}

TEST_CASE("a compressed registration is taken like a plain one", "[nameserver]") {
  Fixture it;
  REQUIRE(it.register_broker(sample_body().encode_compressed(), "0", "true").code == 0);
  CHECK(it.routes.topics() == std::set<std::string>{"T", "U"});
}

TEST_CASE("a registration whose body breaks is refused", "[nameserver]") {
  Fixture it;
  const auto body = encode_body(sample_body());
  const auto crc = crc32_31(body);
  CHECK(it.register_broker(body, std::to_string(crc)).code == 0);
  const auto wrong = it.register_broker(body, std::to_string(crc ^ 1u));
  CHECK(wrong.code == to_int(ResponseCode::system_error));
  CHECK(wrong.remark == "crc32 not match");
  CHECK(it.register_broker("{\"filterServerList\":").code == to_int(ResponseCode::system_error));
  CHECK(it.register_broker("no zlib stream", "0", "true").code == to_int(ResponseCode::system_error));
}

TEST_CASE("a single topic of an unknown broker is refused with Java's text", "[nameserver]") {
  Fixture it;
  auto body = sample_body();
  body.topics.topics.erase("U");
  const auto response = it.register_broker(encode_body(body));
  CHECK(response.code == to_int(ResponseCode::system_error));
  CHECK(response.remark == "register broker failed");
}

TEST_CASE("ordered topics travel in registrations and, when enabled, in routes", "[nameserver]") {
  Fixture it;
  CHECK(it.register_broker(encode_body(sample_body())).body.empty());
  REQUIRE(it.ask(RequestCode::put_kv_config, {{"namespace", "ORDER_TOPIC_CONFIG"}, {"key", "T"}, {"value", "broker-a:8"}}).code == 0);
  CHECK(body_of(it.register_broker(encode_body(sample_body()))) == R"({"table":{"T":"broker-a:8"}})");
  const auto has_order = [&] { return body_of(it.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "T"}})).find(R"("orderTopicConf":"broker-a:8")") != std::string::npos; };
  CHECK_FALSE(has_order());
  REQUIRE(it.ask(RequestCode::update_namesrv_config, {}, "orderMessageEnable=true\nreturnOrderTopicConfigToBroker=false\n").code == 0);
  CHECK(has_order());
  CHECK(it.register_broker(encode_body(sample_body())).body.empty());
}

TEST_CASE("an empty name server describes an empty cluster", "[nameserver]") {
  Fixture it;
  CHECK(body_of(it.ask(RequestCode::get_broker_cluster_info, {})) == R"({"brokerAddrTable":{},"clusterAddrTable":{}})");
  CHECK(body_of(it.ask(RequestCode::get_all_topic_list_from_nameserver, {})) == R"({"topicList":[]})");
  CHECK(body_of(it.ask(RequestCode::get_broker_member_group, {{"clusterName", "c"}, {"brokerName", "b"}})) ==
        R"({"brokerMemberGroup":{"brokerAddrs":{},"brokerName":"b","cluster":"c"}})");
}

TEST_CASE("lists can be switched off", "[nameserver]") {
  Fixture it;
  REQUIRE(it.ask(RequestCode::update_namesrv_config, {}, "enableAllTopicList=false\nenableTopicList=false\n").code == 0);
  const auto code = GENERATE(RequestCode::get_all_topic_list_from_nameserver, RequestCode::get_topics_by_cluster, RequestCode::get_unit_topic_list);
  const auto response = it.ask(code, {{"cluster", "c"}});
  CHECK(response.code == to_int(ResponseCode::system_error));
  CHECK(response.remark == "disable");
}

TEST_CASE("key-value requests answer with Java's codes and texts", "[nameserver]") {
  Fixture it;
  CHECK(it.ask(RequestCode::put_kv_config, {{"namespace", "n"}}).remark == "namespace or key is null");
  CHECK(it.ask(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}).remark == "No config item, Namespace: n Key: k");
  CHECK(it.ask(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}).code == to_int(ResponseCode::query_not_found));
  CHECK(it.ask(RequestCode::get_kvlist_by_namespace, {{"namespace", "n"}}).remark == "No config item, Namespace: n");
  REQUIRE(it.ask(RequestCode::put_kv_config, {{"namespace", "n"}, {"key", "k"}, {"value", "v"}}).code == 0);
  CHECK(it.ask(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}).ext.text("value") == "v");
  CHECK(body_of(it.ask(RequestCode::get_kvlist_by_namespace, {{"namespace", "n"}})) == R"({"table":{"k":"v"}})");
  REQUIRE(it.ask(RequestCode::delete_kv_config, {{"namespace", "n"}, {"key", "k"}}).code == 0);
  CHECK(it.ask(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}).code == to_int(ResponseCode::query_not_found));
}

TEST_CASE("the configuration is shown, changed and guarded", "[nameserver]") {
  Fixture it;
  const auto shown = body_of(it.ask(RequestCode::get_namesrv_config, {}));
  CHECK(shown.find("\nlistenPort=9876\n") != std::string::npos);
  const auto key = GENERATE("configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome");
  const auto guarded = it.ask(RequestCode::update_namesrv_config, {}, std::string(key) + "=/tmp\norderMessageEnable=true\n");
  CHECK(guarded.code == to_int(ResponseCode::no_permission));
  CHECK(guarded.remark == "Can not update config in black list.");
  CHECK_FALSE(it.settings.order_message_enable.get());
  CHECK(it.ask(RequestCode::update_namesrv_config, {}, "orderMessageEnable=perhaps\n").code == to_int(ResponseCode::system_error));
  CHECK(it.ask(RequestCode::update_namesrv_config, {}, "orderMessageEnable=true\nunknown=1\n").code == 0);
  CHECK(it.settings.order_message_enable.get());
  CHECK(*it.files->read_all(it.folder.path() + "/namesrv.properties") == "orderMessageEnable=true\n");
}

TEST_CASE("write permission is wiped and added over the wire", "[nameserver]") {
  Fixture it;
  it.register_broker(encode_body(sample_body()));
  CHECK(it.ask(RequestCode::wipe_write_perm_of_broker, {{"brokerName", "broker-a"}}).ext.integer("wipeTopicCount") == 2);
  CHECK(it.ask(RequestCode::add_write_perm_of_broker, {{"brokerName", "broker-a"}}).ext.integer("addTopicCount") == 2);
}

TEST_CASE("version queries say whether to register again", "[nameserver]") {
  Fixture it;
  const auto ask = [&](const DataVersion& version) {
    return it.ask(RequestCode::query_data_version,
                  {{"brokerName", "broker-a"}, {"brokerAddr", "10.0.0.1:10911"}, {"clusterName", "c"}, {"brokerId", "0"}}, encode_body(version));
  };
  const auto known = sample_body().topics.version;
  CHECK(ask(known).ext.boolean("changed") == true);
  CHECK(ask(known).body.empty());
  it.register_broker(encode_body(sample_body()));
  CHECK(ask(known).ext.boolean("changed") == false);
  CHECK(body_of(ask({})) == R"({"counter":7,"stateVersion":0,"timestamp":1700000000000})");
}

TEST_CASE("routes are refused for a while when that is asked for", "[nameserver]") {
  Fixture it;
  it.register_broker(encode_body(sample_body()));
  REQUIRE(it.ask(RequestCode::update_namesrv_config, {}, "needWaitForService=true\n").code == 0);
  CHECK(it.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "T"}}).remark == "name server not ready");
  it.clock.advance(45s);
  CHECK(it.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "T"}}).code == 0);
}

TEST_CASE("unknown codes and missing fields are answered, not dropped", "[nameserver]") {
  Fixture it;
  const auto unknown = it.ask(RequestCode::pop_message, {});
  CHECK(unknown.code == to_int(ResponseCode::request_code_not_supported));
  CHECK(unknown.remark == " request type 200050 not supported");
  const auto code = GENERATE(RequestCode::register_broker, RequestCode::unregister_broker, RequestCode::query_data_version, RequestCode::broker_heartbeat,
                             RequestCode::get_broker_member_group, RequestCode::register_topic_in_namesrv, RequestCode::wipe_write_perm_of_broker,
                             RequestCode::add_write_perm_of_broker, RequestCode::delete_topic_in_namesrv, RequestCode::get_topics_by_cluster);
  const auto missing = it.ask(code, {});
  CHECK(missing.code == to_int(ResponseCode::system_error));
  CHECK(missing.remark.find("is missing or broken") != std::string::npos);
}

}  // namespace
}  // namespace skylark::nameserver
