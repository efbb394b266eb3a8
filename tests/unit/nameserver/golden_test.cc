// SPDX-License-Identifier: Apache-2.0
// Frames that the official 5.3.3 encoder wrote (tests/golden/remoting) and answers of the Java name server (tests/golden/nameserver).
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/config.h"
#include "base/file_system.h"
#include "nameserver/requests.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark::nameserver {
namespace {

struct Fixture {
  Fixture() {
    add_broker_requests(table, context);
    add_route_requests(table, context);
    add_config_requests(table, context);
    config.set("configStorePath", folder.path() + "/namesrv.properties", Origin::flag);
  }

  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  NameServerConfig settings;
  Config config{{&settings}};
  ManualClock clock;
  RouteTable routes{clock};
  KvConfig kv_config{*files, folder.path() + "/kvConfig.json"};
  RequestContext context{settings, config, routes, kv_config, clock, 0};
  RequestTable table;

  /// An answer as one comparable text. The remark of a success is left out: nobody reads it, and Java forgets to clear some.
  static std::string describe(std::int64_t code, std::string_view remark, const std::map<std::string, std::string>& fields, std::string_view body) {
    std::string text = "code " + std::to_string(code);
    if (code != 0) text += " remark " + std::string(remark);
    for (const auto& [name, value] : fields) text += " " + name + "=" + value;
    return text + " body " + std::string(body);
  }

  RemotingCommand answer(const json::Value& line) {
    const auto frame = test::from_hex(line["hex"].as_string());
    auto request = test::decode_whole_frame(frame);
    REQUIRE(request);
    return table.answer(*request, 1);
  }
};

TEST_CASE("registrations of a Java broker are understood in every form", "[nameserver][golden]") {
  std::size_t count = 0;
  for (const auto& line : test::golden_lines("commands.jsonl")) {
    const auto name = line["name"].as_string();
    if (name != "register-broker" && name != "register-broker-compressed") continue;
    CAPTURE(name, line["codec"].as_string());
    Fixture it;
    const auto response = it.answer(line);
    CHECK(response.remark.empty());
    REQUIRE(response.code == to_int(ResponseCode::success));
    CHECK(it.routes.topics() == std::set<std::string>{"TBW102", "TopicTest"});
    CHECK(it.routes.route("TBW102", {})->queue_datas.at(0).perm == 7);
    ++count;
  }
  CHECK(count == 4);
}

TEST_CASE("the life of a Java broker goes by its own frames", "[nameserver][golden]") {
  Fixture it;
  const auto lines = test::golden_lines("commands.jsonl");
  const auto send = [&](std::string_view name) {
    for (const auto& line : lines) {
      if (line["name"].as_string() == name) return it.answer(line);
    }
    FAIL("no such frame: " << name);
    return RemotingCommand{};
  };
  CHECK(send("query-data-version").ext.boolean("changed") == true);
  CHECK(send("get-route-request").code == to_int(ResponseCode::topic_not_exist));
  CHECK(send("register-broker").code == to_int(ResponseCode::success));
  CHECK(send("query-data-version").ext.boolean("changed") == false);
  CHECK(send("get-route-request").code == to_int(ResponseCode::success));
  CHECK(send("unregister-broker").code == to_int(ResponseCode::success));
  CHECK(send("get-route-request").code == to_int(ResponseCode::topic_not_exist));
}

TEST_CASE("requests are answered as the Java name server answers them", "[nameserver][golden]") {
  Fixture it;
  std::size_t number = 0;
  for (const auto& line : test::golden_lines("../nameserver/answers.jsonl")) {
    RemotingCommand request;
    request.code = static_cast<std::int32_t>(line["code"].as_integer());
    for (const auto& [name, value] : line["ext"].members()) request.ext.add(name.as_string(), value.as_string());
    request.body = Body(line["body"].as_string());
    CAPTURE(++number, request.code);

    const auto response = it.table.answer(request, 1);

    const auto& wanted = line["answer"];
    std::map<std::string, std::string> fields;
    for (const auto& [name, value] : wanted["ext"].members()) fields[name.as_string()] = value.as_string();
    CHECK(Fixture::describe(response.code, response.remark, test::text_fields(response), response.body.to_string()) ==
          Fixture::describe(wanted["code"].as_integer(), wanted["remark"].as_string(), fields, wanted["body"].as_string()));
  }
  CHECK(number == 72);
}

}  // namespace
}  // namespace skylark::nameserver
