// SPDX-License-Identifier: Apache-2.0
// Name servers on loopback, spoken to by a bare client as brokers and clients do.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "base/file_system.h"
#include "nameserver/embedded_name_server.h"
#include "nameserver/name_server.h"
#include "nameserver/name_server_config.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/register_broker_body.h"
#include "protocol/bodies/topic_route.h"
#include "protocol/nameserver_headers.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "remoting/client.h"
#include "remoting/io_pool.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace skylark::nameserver {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;  // No healthy machine needs a tenth of it.

/// A name server on a port of its own, with files of its own and a clock that stands still.
struct Node {
  explicit Node(remoting::IoPool& pool) {
    config.set("listenPort", "0", Origin::flag);
    config.set("bindAddress", "127.0.0.1", Origin::flag);
    config.set("kvConfigPath", folder.path() + "/kvConfig.json", Origin::flag);
    config.set("configStorePath", folder.path() + "/namesrv.properties", Origin::flag);
    server = std::make_unique<NameServer>(NameServerParts{settings, config, *files, clock, pool});
    REQUIRE(server->start());
    address = "127.0.0.1:" + std::to_string(server->port());
  }

  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  NameServerConfig settings;
  Config config{{&settings}};
  ManualClock clock;
  std::unique_ptr<NameServer> server;
  std::string address;
};

class Peer {
 public:
  explicit Peer(remoting::IoPool& pool) : client_(pool, {}) {}

  RemotingCommand ask(const std::string& address, RemotingCommand request) {
    auto response = client_.invoke_sync(address, std::move(request), kPatience);
    REQUIRE(response);
    return std::move(*response);
  }
  void register_broker(const std::string& address) {
    RegisterBrokerRequestHeader header;
    header.broker_name = "broker-a";
    header.broker_addr = "127.0.0.1:10911";
    header.cluster_name = "c";
    header.ha_server_addr = "127.0.0.1:10912";
    RegisterBrokerBody body;
    body.topics.topics["T"].name = "T";
    body.topics.topics["U"].name = "U";
    const auto once = [&] {
      const auto response = client_.invoke_sync(address, make_request(to_int(RequestCode::register_broker), header, Body(encode_body(body))), kPatience);
      return response && response->code == to_int(ResponseCode::success);
    };
    CHECK(eventually(once));  // The channel may not have noticed yet that it was closed.
  }
  bool knows_route(const std::string& address) {
    GetRouteInfoRequestHeader header;
    header.topic = "T";
    const auto response = ask(address, make_request(to_int(RequestCode::get_routeinfo_by_topic), header));
    if (response.code == to_int(ResponseCode::topic_not_exist)) return false;
    CHECK(response.code == to_int(ResponseCode::success));
    const auto route = decode_body<TopicRouteData>(response.body.to_string());
    REQUIRE(route);
    CHECK(route->queue_datas.size() == 1);
    return true;
  }
  void disconnect(const std::string& address) { client_.disconnect(address); }

 private:
  remoting::Client client_;
};

TEST_CASE("a broker that registers is routed until its connection closes", "[nameserver]") {
  remoting::IoPool pool(2);
  Node node(pool);
  Peer broker(pool);
  Peer client(pool);
  CHECK_FALSE(client.knows_route(node.address));
  broker.register_broker(node.address);
  CHECK(client.knows_route(node.address));
  broker.disconnect(node.address);
  CHECK(eventually([&] { return !client.knows_route(node.address); }));
}

TEST_CASE("a broker that falls silent is dropped with its connection and may come back", "[nameserver]") {
  remoting::IoPool pool(2);
  Node node(pool);
  Peer broker(pool);
  Peer client(pool);
  broker.register_broker(node.address);
  node.clock.advance(120s);
  node.server->scan_silent_brokers();
  CHECK(client.knows_route(node.address));
  node.clock.advance(1ms);
  node.server->scan_silent_brokers();
  CHECK_FALSE(client.knows_route(node.address));
  CHECK(eventually([&] { return node.server->counters().connections_closed.load() == 1; }));
  broker.register_broker(node.address);
  CHECK(client.knows_route(node.address));
}

TEST_CASE("two name servers know the same broker and fail apart", "[nameserver]") {
  remoting::IoPool pool(2);
  Node first(pool);
  Node second(pool);
  Peer broker(pool);
  Peer client(pool);
  broker.register_broker(first.address);
  broker.register_broker(second.address);
  CHECK(client.knows_route(first.address));
  first.server->stop();
  CHECK(client.knows_route(second.address));
}

TEST_CASE("a name server lives inside another program", "[nameserver]") {
  remoting::IoPool pool(2);
  const TemporaryFolder folder;
  const auto files = make_disk_file_system();
  ManualClock clock;
  EmbeddedNameServer server(0, folder.path(), *files, clock, pool);
  REQUIRE(server.start());
  Peer broker(pool);
  const auto address = "127.0.0.1:" + std::to_string(server.port());
  broker.register_broker(address);
  CHECK(broker.knows_route(address));
  server.stop();
}

TEST_CASE("a port that is taken is an error of start", "[nameserver]") {
  remoting::IoPool pool(1);
  Node node(pool);
  NameServerConfig settings;
  Config config({&settings});
  config.set("listenPort", std::to_string(node.server->port()), Origin::flag);
  config.set("bindAddress", "127.0.0.1", Origin::flag);
  config.set("kvConfigPath", node.folder.path() + "/other.json", Origin::flag);
  NameServer late({settings, config, *node.files, node.clock, pool});
  CHECK_FALSE(late.start());
}

TEST_CASE("a broken key-value file stops the start", "[nameserver]") {
  remoting::IoPool pool(1);
  TemporaryFolder folder;
  const auto files = make_disk_file_system();
  const auto path = folder.path() + "/kvConfig.json";
  REQUIRE(files->write_all(path, "{", false));
  ManualClock clock;
  NameServerConfig settings;
  Config config({&settings});
  config.set("listenPort", "0", Origin::flag);
  config.set("kvConfigPath", path, Origin::flag);
  NameServer server({settings, config, *files, clock, pool});
  bool refused = false;
  try {
    (void)server.start();
  } catch (const ConfigError& error) {
    refused = std::string(error.what()).starts_with(path);
  }
  CHECK(refused);
}

}  // namespace
}  // namespace skylark::nameserver
