// SPDX-License-Identifier: Apache-2.0
// Frames that the official 5.3.3 encoder wrote (tests/golden/remoting), answered by a name server.
#include <memory>
#include <set>
#include <string>

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

}  // namespace
}  // namespace skylark::nameserver
