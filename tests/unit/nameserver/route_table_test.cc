// SPDX-License-Identifier: Apache-2.0
#include "nameserver/route_table.h"

#include <chrono>

#include "tests/support/catch.h"

namespace skylark::nameserver {
namespace {

using namespace std::chrono_literals;
using Names = std::set<std::string>;
using Addresses = std::map<std::int64_t, std::string>;

/// A broker as it introduces itself: `broker-a` of cluster `c`, with topics and their queue counts.
struct Broker {
  RegisterBrokerRequestHeader header;
  RegisterBrokerBody body;

  explicit Broker(std::string address = "10.0.0.1:10911", std::int64_t id = kMasterId, std::string name = "broker-a") {
    header.cluster_name = "c";
    header.broker_name = std::move(name);
    header.broker_addr = std::move(address);
    header.broker_id = id;
    header.ha_server_addr = header.broker_addr + "-ha";
    body.topics.version.counter = 1;
    topic("T", 8).topic("U", 4);
  }
  Broker& topic(const std::string& name, std::int32_t queues, std::int32_t sys_flag = 0) {
    auto& config = body.topics.topics[name];
    config.name = name;
    config.read_queues = config.write_queues = queues;
    config.sys_flag = sys_flag;
    return *this;
  }
  Broker& acting(bool enabled) {
    header.enable_acting_master = enabled;
    return *this;
  }
  Broker& next_version() {
    ++body.topics.version.counter;
    return *this;
  }
};

struct Fixture {
  ManualClock clock;
  RouteTable table{clock};
  RoutePolicy policy;

  std::optional<RegisterBrokerResponseHeader> add(const Broker& broker, std::uint64_t connection_id = 1) {
    return table.register_broker(broker.header, broker.body, connection_id, policy);
  }
  [[nodiscard]] std::optional<TopicRouteData> route(const std::string& topic = "T") const { return table.route(topic, policy); }
  [[nodiscard]] std::int32_t perm(const std::string& topic = "T") const { return route(topic)->queue_datas.at(0).perm; }
  [[nodiscard]] Addresses members() const { return table.member_group("broker-a"); }
};

TEST_CASE("a master's topics have a route", "[nameserver]") {
  Fixture it;
  REQUIRE(it.add(Broker()));
  const auto route = it.route();
  REQUIRE(route);
  REQUIRE(route->broker_datas.size() == 1);
  CHECK(route->broker_datas[0].broker_addrs == Addresses{{0, "10.0.0.1:10911"}});
  CHECK(route->broker_datas[0].cluster == "c");
  REQUIRE(route->queue_datas.size() == 1);
  CHECK(route->queue_datas[0].read_queue_nums == 8);
  CHECK(route->queue_datas[0].perm == 6);
  CHECK_FALSE(it.route("nowhere"));
}

TEST_CASE("a topic on two groups is routed to both", "[nameserver]") {
  Fixture it;
  it.add(Broker());
  it.add(Broker("10.0.0.2:10911", kMasterId, "broker-b"), 2);
  CHECK(it.route()->broker_datas.size() == 2);
  CHECK(it.route()->queue_datas.size() == 2);
  const auto info = it.table.cluster_info();
  CHECK(info.cluster_addr_table == std::map<std::string, Names>{{"c", {"broker-a", "broker-b"}}});
  CHECK(info.broker_addr_table.at("broker-b").broker_addrs == Addresses{{0, "10.0.0.2:10911"}});
}

TEST_CASE("a replica is told where its master is and brings no topics", "[nameserver]") {
  Fixture it;
  const auto early = it.add(Broker("10.0.0.2:10911", 1).topic("only-here", 1), 2);
  REQUIRE(early);
  CHECK_FALSE(early->master_addr);
  it.add(Broker());
  const auto answer = it.add(Broker("10.0.0.2:10911", 1).topic("only-here", 1), 2);
  REQUIRE(answer);
  CHECK(answer->master_addr == "10.0.0.1:10911");
  CHECK(answer->ha_server_addr == "10.0.0.1:10911-ha");
  CHECK_FALSE(it.route("only-here"));
  CHECK(it.members() == Addresses{{0, "10.0.0.1:10911"}, {1, "10.0.0.2:10911"}});
}

TEST_CASE("a broker that was never seen cannot register a single topic", "[nameserver]") {
  Fixture it;
  Broker one;
  one.body.topics.topics.erase("U");
  CHECK_FALSE(it.add(one));
  CHECK(it.table.cluster_info().broker_addr_table.empty());
  it.add(Broker());
  one.next_version().topic("T", 16);
  CHECK(it.add(one));
  CHECK(it.route()->queue_datas[0].read_queue_nums == 16);
  CHECK(it.route("U"));
}

TEST_CASE("topics are read again only with another data version", "[nameserver]") {
  Fixture it;
  it.add(Broker());
  it.add(Broker().topic("T", 16));
  CHECK(it.route()->queue_datas[0].read_queue_nums == 8);
  it.add(Broker().topic("new", 3));
  CHECK(it.route("new"));
  it.add(Broker().next_version().topic("T", 16));
  CHECK(it.route()->queue_datas[0].read_queue_nums == 16);
}

TEST_CASE("a topic missing from a registration stays unless the policy says otherwise", "[nameserver]") {
  Fixture it;
  it.policy.delete_topic_with_registration = GENERATE(false, true);
  it.add(Broker().topic("old", 1));
  it.add(Broker().next_version());
  CHECK(it.route("old").has_value() == !it.policy.delete_topic_with_registration);
  CHECK(it.route("T"));
}

TEST_CASE("an address holds one id", "[nameserver]") {
  Fixture it;
  it.add(Broker("10.0.0.2:10911", 1));
  it.add(Broker("10.0.0.2:10911", kMasterId));
  CHECK(it.members() == Addresses{{0, "10.0.0.2:10911"}});
}

TEST_CASE("an id held with a greater state version is not taken over", "[nameserver]") {
  Fixture it;
  Broker holder;
  holder.body.topics.version.state_version = 5;
  it.add(holder);
  Broker late("10.0.0.9:10911");
  late.body.topics.version.state_version = 4;
  const auto ignored = it.add(late, 2);
  REQUIRE(ignored);
  CHECK_FALSE(ignored->master_addr);
  CHECK(it.members() == Addresses{{0, "10.0.0.1:10911"}});
  late.body.topics.version.state_version = 5;
  it.add(late, 2);
  CHECK(it.members() == Addresses{{0, "10.0.0.9:10911"}});
}

TEST_CASE("a broker silent for more than 120 seconds is removed", "[nameserver]") {
  Fixture it;
  it.add(Broker(), 7);
  it.clock.advance(120s);
  CHECK(it.table.remove_silent().empty());
  CHECK(it.route());
  it.clock.advance(1ms);
  CHECK(it.table.remove_silent() == std::vector<std::uint64_t>{7});
  CHECK_FALSE(it.route());
  CHECK(it.table.topics().empty());
  CHECK(it.table.cluster_info().cluster_addr_table.empty());
}

TEST_CASE("registrations, heartbeats and version queries are signs of life", "[nameserver]") {
  Fixture it;
  const Broker broker;
  it.add(broker);
  it.clock.advance(100s);
  const int sign = GENERATE(0, 1, 2);
  if (sign == 0) it.add(broker);
  if (sign == 1) it.table.refresh("c", "10.0.0.1:10911");
  if (sign == 2) (void)it.table.compare_version("c", "10.0.0.1:10911", {});
  it.clock.advance(100s);
  CHECK(it.table.remove_silent().empty());
  it.clock.advance(21s);
  CHECK(it.table.remove_silent().size() == 1);
}

TEST_CASE("a broker may choose its own timeout", "[nameserver]") {
  Fixture it;
  Broker broker;
  broker.header.heartbeat_timeout_ms = 10'000;
  it.add(broker);
  it.clock.advance(10'001ms);
  CHECK(it.table.remove_silent().size() == 1);
}

TEST_CASE("a closed connection removes the brokers that registered on it last", "[nameserver]") {
  Fixture it;
  it.add(Broker(), 1);
  it.add(Broker("10.0.0.2:10911", kMasterId, "broker-b"), 2);
  it.table.connection_closed(1);
  CHECK(it.route()->broker_datas.size() == 1);
  it.add(Broker("10.0.0.2:10911", kMasterId, "broker-b"), 3);
  it.table.connection_closed(2);
  CHECK(it.route());
  it.table.connection_closed(3);
  CHECK_FALSE(it.route());
}

TEST_CASE("a broker that unregisters leaves its replica routed", "[nameserver]") {
  Fixture it;
  it.add(Broker());
  it.add(Broker("10.0.0.2:10911", 1), 2);
  it.table.unregister_broker("c", "broker-a", "10.0.0.1:10911");
  REQUIRE(it.route());
  CHECK(it.route()->broker_datas[0].broker_addrs == Addresses{{1, "10.0.0.2:10911"}});
  CHECK(it.perm() == 6);
  it.table.unregister_broker("c", "broker-a", "10.0.0.2:10911");
  CHECK_FALSE(it.route());
  CHECK_NOTHROW(it.table.unregister_broker("c", "broker-a", "10.0.0.2:10911"));
}

TEST_CASE("without its master a group that allows an acting one is routed read only", "[nameserver]") {
  Fixture it;
  it.policy.support_acting_master = true;
  it.add(Broker().acting(true));
  it.add(Broker("10.0.0.2:10911", 1).acting(true), 2);
  it.add(Broker("10.0.0.3:10911", 2).acting(true), 3);
  it.table.connection_closed(1);
  CHECK(it.perm() == 4);
  CHECK(it.route()->broker_datas[0].broker_addrs == Addresses{{0, "10.0.0.2:10911"}, {2, "10.0.0.3:10911"}});
  CHECK(it.members() == Addresses{{1, "10.0.0.2:10911"}, {2, "10.0.0.3:10911"}});
  it.add(Broker().next_version().acting(true), 4);
  CHECK(it.perm() == 6);
}

TEST_CASE("the first replica brings topics, read only, when it allows an acting master", "[nameserver]") {
  Fixture it;
  const bool enabled = GENERATE(false, true);
  it.add(Broker("10.0.0.2:10911", 1).acting(enabled), 2);
  REQUIRE(it.route());
  CHECK(it.perm() == (enabled ? 4 : 6));
}

TEST_CASE("version queries compare with what was registered", "[nameserver]") {
  Fixture it;
  const Broker broker;
  CHECK(it.table.compare_version("c", "10.0.0.1:10911", {}) == std::pair{true, std::optional<DataVersion>()});
  it.add(broker);
  const auto known = broker.body.topics.version;
  CHECK(it.table.compare_version("c", "10.0.0.1:10911", known) == std::pair{false, std::optional(known)});
  CHECK(it.table.compare_version("c", "10.0.0.1:10911", {}) == std::pair{true, std::optional(known)});
}

TEST_CASE("write permission is wiped and added for every topic of a broker", "[nameserver]") {
  Fixture it;
  it.add(Broker());
  CHECK(it.table.wipe_write_permission("broker-a") == 2);
  CHECK(it.perm("T") == 4);
  CHECK(it.perm("U") == 4);
  CHECK(it.table.add_write_permission("broker-a") == 2);
  CHECK(it.perm("T") == 6);
  CHECK(it.table.wipe_write_permission("nobody") == 0);
}

TEST_CASE("a topic is deleted everywhere or in one cluster", "[nameserver]") {
  Fixture it;
  it.add(Broker());
  Broker other("10.0.0.2:10911", kMasterId, "broker-b");
  other.header.cluster_name = "d";
  it.add(other, 2);
  it.table.delete_topic("T", "d");
  CHECK(it.route()->broker_datas.at(0).broker_name == "broker-a");
  it.table.delete_topic("T", "");
  CHECK_FALSE(it.route());
  it.table.delete_topic("U", "unknown");
  CHECK(it.route("U")->broker_datas.size() == 2);
}

TEST_CASE("a topic is registered by hand only on brokers that are known", "[nameserver]") {
  Fixture it;
  it.add(Broker());
  const auto queues = [](std::string broker) {
    QueueData data;
    data.broker_name = std::move(broker);
    data.perm = 6;
    return data;
  };
  it.table.register_topic("V", {queues("broker-a")});
  CHECK(it.route("V"));
  it.table.register_topic("W", {queues("broker-a"), queues("broker-x")});
  CHECK_FALSE(it.route("W"));
  it.table.register_topic("X", {});
  CHECK_FALSE(it.route("X"));
}

TEST_CASE("topic lists are chosen by cluster and by unit flags", "[nameserver]") {
  Fixture it;
  it.add(Broker().topic("unit", 1, 1).topic("sub", 1, 2).topic("both", 1, 3));
  CHECK(it.table.topics() == Names{"T", "U", "unit", "sub", "both"});
  CHECK(it.table.topics_of_cluster("c").size() == 5);
  CHECK(it.table.topics_of_cluster("d").empty());
  CHECK(it.table.unit_topics(RouteTable::UnitList::unit) == Names{"unit", "both"});
  CHECK(it.table.unit_topics(RouteTable::UnitList::has_unit_subscription) == Names{"sub", "both"});
  CHECK(it.table.unit_topics(RouteTable::UnitList::has_unit_subscription_but_no_unit) == Names{"sub"});
  CHECK(it.table.system_topics() == std::pair<Names, std::string>{{"c", "broker-a"}, "10.0.0.1:10911"});
}

TEST_CASE("filter servers follow their broker", "[nameserver]") {
  Fixture it;
  Broker broker;
  broker.body.filter_servers = {"10.0.0.1:7000"};
  it.add(broker);
  CHECK(it.route()->filter_server_table == std::map<std::string, std::vector<std::string>>{{"10.0.0.1:10911", {"10.0.0.1:7000"}}});
  it.add(Broker());
  CHECK(it.route()->filter_server_table.empty());
}

}  // namespace
}  // namespace skylark::nameserver
