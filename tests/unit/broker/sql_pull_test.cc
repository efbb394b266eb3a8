// SPDX-License-Identifier: Apache-2.0
// Pulls with SQL92 filters: of the request, or registered by the group's heartbeat.
#include "protocol/bodies/heartbeat.h"
#include "tests/unit/broker/core_fixture.h"

namespace skylark::broker {
namespace {

struct SqlFixture : CoreFixture {
  SqlFixture() { config.broker.property_filter.set_value(true); }

  std::unique_ptr<ClientManageHandler> clients;
  void open_all() {
    open();
    clients = std::make_unique<ClientManageHandler>(config, consumers, producers, *groups, *topics, filters);
  }
  void send_with(std::string_view a) {
    auto header = send_header();
    std::string properties;
    append_property(properties, "a", a);
    header.properties = properties;
    send_message(header, std::string(a));
  }
  void heartbeat(const std::string& expression, std::int64_t version = 5) {
    HeartbeatData data;
    data.client_id = "c";
    ConsumerData consumer;
    consumer.group = "G";
    SubscriptionData subscription;
    subscription.topic = "T";
    subscription.expression = expression;
    subscription.expression_type = "SQL92";
    subscription.version = version;
    consumer.subscriptions.push_back(subscription);
    data.consumers.push_back(consumer);
    RemotingCommand heartbeat;
    heartbeat.body = Body(json::write(data.to_json()));
    CHECK(code_of(clients->heartbeat(heartbeat, connection).take()) == ResponseCode::success);
    (void)connection->take_sent();
    (void)connection->take_one_way();
  }
  static PullMessageRequestHeader sql_header(std::int64_t offset, std::string_view expression) {
    auto header = pull_header(offset);
    header.subscription = expression;
    header.expression_type = "SQL92";
    return header;
  }
};

}  // namespace

TEST_CASE("a pull gets the messages that its expression is true for", "[broker][pull][filter]") {
  SqlFixture fixture;
  fixture.open_all();
  for (const char* a : {"1", "7", "x", "9"}) fixture.send_with(a);
  PullMessageRequestHeader header;
  SECTION("of the request") { header = SqlFixture::sql_header(0, "a > 5"); }
  SECTION("of the group") {
    fixture.heartbeat("a > 5");
    header = CoreFixture::pull_header(0, 0);
    header.sub_version = 5;
  }
  const auto response = fixture.pull_now(header);
  CHECK(bodies(response) == std::vector<std::string>{"7", "9"});
  CHECK(response.ext.integer("nextBeginOffset") == 4);
}

TEST_CASE("a held pull is woken only by a message that its expression is true for", "[broker][pull][filter]") {
  SqlFixture fixture;
  fixture.open_all();
  auto header = SqlFixture::sql_header(0, "a > 5");
  header.sys_flag |= pull_flag::kSuspend;
  CHECK_FALSE(fixture.start_pull(header).has_response());
  const auto waiting = std::exchange(fixture.connection, std::make_shared<remoting::FakeConnection>());
  fixture.send_with("1");
  CHECK(waiting->take_sent().empty());
  CHECK(fixture.held.size() == 1);
  fixture.send_with("6");
  const auto sent = waiting->take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(bodies(sent[0]) == std::vector<std::string>{"6"});
}

TEST_CASE("pulls with expressions are refused as by Java", "[broker][pull][filter]") {
  SqlFixture fixture;
  const auto pull = [&](const PullMessageRequestHeader& header) {
    const auto response = fixture.pull_now(header);
    return std::pair(code_of(response), response.remark);
  };
  using Answer = std::pair<ResponseCode, std::string>;
  SECTION("when they are off") {
    fixture.config.broker.property_filter.set_value(false);
    fixture.open_all();
    const Answer off{ResponseCode::system_error, "The broker does not support consumer to filter message by SQL92"};
    CHECK(pull(SqlFixture::sql_header(0, "a > 5")) == off);
    fixture.heartbeat("a > 5");
    CHECK(pull(CoreFixture::pull_header(0, 0)) == off);
  }
  SECTION("for what is no expression") {
    fixture.open_all();
    const Answer broken{ResponseCode::subscription_parse_failed, "parse the consumer's subscription failed"};
    CHECK(pull(SqlFixture::sql_header(0, "a >")) == broken);
    CHECK(pull(SqlFixture::sql_header(0, "")) == broken);
  }
  SECTION("for a filter that is not registered, or an older one") {
    fixture.open_all();
    fixture.heartbeat("a >");
    CHECK(pull(CoreFixture::pull_header(0, 0)) ==
          Answer{ResponseCode::filter_data_not_exist, "The broker's consumer filter data is not exist!Your expression may be wrong!"});
    fixture.heartbeat("a > 5", 7);
    auto header = CoreFixture::pull_header(0, 0);
    header.sub_version = 7;
    CHECK(code_of(fixture.pull_now(header)) == ResponseCode::pull_not_found);
    fixture.heartbeat("b >", 8);  // The subscription is newer, its filter cannot be had.
    header.sub_version = 8;
    CHECK(pull(header).first == ResponseCode::filter_data_not_exist);
  }
  SECTION("of another kind") {
    fixture.open_all();
    auto header = SqlFixture::sql_header(0, "a > 5");
    header.expression_type = "XPATH";
    CHECK(pull(header) == Answer{ResponseCode::system_error, "The broker does not support consumer to filter message by XPATH"});
  }
}

TEST_CASE("a client asks beforehand whether its expression is one", "[broker][filter]") {
  SqlFixture fixture;
  const auto check = [&](const char* type, const char* expression) {
    CheckClientRequestBody body;
    body.client_id = "c";
    body.group = "G";
    body.subscription.topic = "T";
    body.subscription.expression = expression;
    body.subscription.expression_type = type;
    RemotingCommand request;
    request.body = Body(json::write(body.to_json()));
    return code_of(fixture.clients->check_config(request).take());
  };
  SECTION("on") {
    fixture.open_all();
    CHECK(check("SQL92", "a > 5") == ResponseCode::success);
    CHECK(check("SQL92", "a >") == ResponseCode::subscription_parse_failed);
    CHECK(check("TAG", "a >") == ResponseCode::success);
  }
  SECTION("off") {
    fixture.config.broker.property_filter.set_value(false);
    fixture.open_all();
    CHECK(check("SQL92", "a > 5") == ResponseCode::system_error);
    CHECK(check("TAG", "*") == ResponseCode::success);
  }
}

TEST_CASE("the filter of a group dies with its last member", "[broker][filter]") {
  SqlFixture fixture;
  fixture.consumers.set_group_gone_listener([&](const std::string& group) { fixture.filters.unregister_group(group); });
  fixture.open_all();
  fixture.heartbeat("a > 5");
  REQUIRE(fixture.filters.find("T", "G"));
  CHECK_FALSE(fixture.filters.find("T", "G")->is_dead());
  fixture.consumers.on_connection_closed(fixture.connection);
  CHECK(fixture.filters.find("T", "G")->is_dead());
}

}  // namespace skylark::broker
