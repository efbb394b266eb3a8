// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_config_manager.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/json_file.h"
#include "broker/topic_names.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {
namespace {

struct TopicFixture {
  TopicFixture() {
    options.path = folder.path() + "/config/topics.json";
    options.broker_name = "broker-a";
    options.cluster_name = "ClusterA";
  }
  TopicConfigManager open() { return TopicConfigManager(options, *files, clock); }
  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  ManualClock clock;
  TopicManagerOptions options;
};

TopicConfig topic_named(std::string name, std::int32_t queues = 4, std::int32_t perm = 6) {
  TopicConfig config;
  config.name = std::move(name);
  config.read_queues = config.write_queues = queues;
  config.perm = perm;
  return config;
}

}  // namespace

TEST_CASE("a new broker has Java's system topics", "[broker][topics]") {
  TopicFixture fixture;
  auto topics = fixture.open();
  REQUIRE(topics.load());

  struct Row {
    const char* name;
    std::int32_t queues;
    std::int32_t perm;
  };
  const auto row =
      GENERATE(Row{"SELF_TEST_TOPIC", 1, 6}, Row{"TBW102", 8, 7}, Row{"BenchmarkTest", 1024, 6}, Row{"ClusterA", 16, 7},
               Row{"broker-a", 1, 7}, Row{"OFFSET_MOVED_EVENT", 1, 6}, Row{"SCHEDULE_TOPIC_XXXX", 18, 6}, Row{"ClusterA_REPLY_TOPIC", 1, 6},
               Row{"rmq_sys_REVIVE_LOG_ClusterA", 8, 6}, Row{"rmq_sys_SYNC_BROKER_MEMBER_broker-a", 1, 1},
               Row{"RMQ_SYS_TRANS_HALF_TOPIC", 1, 6}, Row{"RMQ_SYS_TRANS_OP_HALF_TOPIC", 1, 6});
  const auto config = topics.find(row.name);
  REQUIRE(config);
  CHECK(config->read_queues == row.queues);
  CHECK(config->write_queues == row.queues);
  CHECK(config->perm == row.perm);
  CHECK(topics.is_system_topic(row.name));
}

TEST_CASE("what was found of late is forgotten when topics change", "[broker][topics]") {
  TopicFixture fixture;
  TopicFixture other_fixture;
  TopicConfigManager topics = fixture.open();
  TopicConfigManager other = other_fixture.open();
  REQUIRE(topics.load());
  REQUIRE(other.load());
  CHECK_FALSE(topics.find_recent("Orders"));
  topics.update(topic_named("Orders", 4));
  REQUIRE(topics.find_recent("Orders"));
  CHECK(topics.find_recent("Orders").get() == topics.find("Orders").get());
  CHECK_FALSE(other.find_recent("Orders"));
  topics.update(topic_named("Orders", 8));
  CHECK(topics.find_recent("Orders")->write_queues == 8);
  topics.update_order_topics({"Orders"});
  CHECK(topics.find_recent("Orders")->order);
  topics.remove("Orders");
  CHECK_FALSE(topics.find_recent("Orders"));
  REQUIRE(topics.create_on_send("Orders", names::kDefaultTopic, 2, 0));
  CHECK(topics.find_recent("Orders")->write_queues == 2);
  topics.replace({});
  CHECK_FALSE(topics.find_recent("Orders"));
}

TEST_CASE("of many topics each thread sees a change and a removal at once", "[broker][topics]") {
  constexpr int kTopics = 3'000;
  TopicFixture fixture;
  auto topics = fixture.open();
  const auto name = [](int i) { return fmt::format("Orders{}", i); };
  for (int i = 0; i < kTopics; ++i) topics.update(topic_named(name(i), i + 1));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kTopics; ++i) {
      const TopicConfigPtr& found = topics.find_recent(name(i));
      REQUIRE(found);
      REQUIRE(found->name == name(i));
      REQUIRE(found->write_queues == i + 1);
    }
  }
  topics.update(topic_named(name(7), 99));
  topics.remove(name(8));
  CHECK(topics.find_recent(name(7))->write_queues == 99);
  CHECK_FALSE(topics.find_recent(name(8)));
  CHECK(topics.find_recent(name(9))->write_queues == 10);
}

TEST_CASE("topics survive a restart through a file in Java's form", "[broker][topics]") {
  TopicFixture fixture;
  {
    auto topics = fixture.open();
    REQUIRE(topics.load());
    TopicConfig config = topic_named("Orders", 3, 4);
    config.attributes["message.type"] = "FIFO";
    topics.update(config);
    REQUIRE(topics.persist());
  }
  auto again = fixture.open();
  REQUIRE(again.load());
  const auto config = again.find("Orders");
  REQUIRE(config);
  CHECK(config->write_queues == 3);
  CHECK(config->perm == 4);
  CHECK(config->attributes.at("message.type") == "FIFO");
  CHECK(again.version().counter == 1);

  const auto text = fixture.files->read_all(fixture.options.path);
  REQUIRE(text);
  CHECK(text->find("\"Orders\":{\n\t\t\t\"attributes\":{") != std::string::npos);
}

TEST_CASE("a broken topics.json gives way to its backup", "[broker][topics]") {
  TopicFixture fixture;
  {
    auto topics = fixture.open();
    REQUIRE(topics.load());
    topics.update(topic_named("First"));
    REQUIRE(topics.persist());
    topics.update(topic_named("Second"));
    REQUIRE(topics.persist());
  }
  const std::string damage = GENERATE(std::string(), std::string("{\"topicConfigTable\":{"));
  REQUIRE(fixture.files->write_all(fixture.options.path, damage, false));

  auto again = fixture.open();
  REQUIRE(again.load());
  CHECK(again.contains("First"));  // In the backup, which holds the state before the last change.
  CHECK_FALSE(again.contains("Second"));
}

TEST_CASE("a broken backup of a broken file is an error", "[broker][topics]") {
  TopicFixture fixture;
  REQUIRE(fixture.files->create_folders(fixture.folder.path() + "/config"));
  REQUIRE(fixture.files->write_all(fixture.options.path, "{{{", false));
  REQUIRE(fixture.files->write_all(fixture.options.path + ".bak", "{{{", false));
  auto topics = fixture.open();
  CHECK_FALSE(topics.load());
}

TEST_CASE("a send makes a topic like its template allows", "[broker][topics]") {
  TopicFixture fixture;
  auto topics = fixture.open();
  REQUIRE(topics.load());

  const auto made = topics.create_on_send("New", "TBW102", 4, 0);
  REQUIRE(made);
  CHECK(made->write_queues == 4);
  CHECK(made->perm == 6);  // Without the inherit bit.
  CHECK(topics.create_on_send("More", "TBW102", 100, 0)->write_queues == 8);
  CHECK_FALSE(topics.create_on_send("Other", "SELF_TEST_TOPIC", 4, 0));
  CHECK_FALSE(topics.create_on_send("Other", "Nowhere", 4, 0));
  CHECK(topics.create_on_send("New", "Nowhere", 1, 0) == made);
}

TEST_CASE("without auto-creation there is no template", "[broker][topics]") {
  TopicFixture fixture;
  fixture.options.auto_create = false;
  auto topics = fixture.open();
  REQUIRE(topics.load());
  CHECK_FALSE(topics.contains("TBW102"));
  CHECK_FALSE(topics.create_on_send("New", "TBW102", 4, 0));
}

TEST_CASE("every change is announced, asks for a write and moves the data version", "[broker][topics]") {
  TopicFixture fixture;
  auto topics = fixture.open();
  REQUIRE(topics.load());
  std::vector<std::string> announced;
  topics.set_change_listener([&announced](const TopicConfigPtr& config) { announced.push_back(config ? config->name : "-"); });
  int writes = 0;
  topics.set_persist_listener([&writes] { ++writes; });
  const auto before = topics.version().counter;

  topics.update(topic_named("A"));
  topics.create_if_absent("%RETRY%G", 1, 6);
  topics.create_if_absent("%RETRY%G", 1, 6);
  CHECK(topics.remove("A"));
  CHECK_FALSE(topics.remove("A"));

  CHECK(announced == std::vector<std::string>{"A", "%RETRY%G", "-"});
  CHECK(writes == 3);
  CHECK(topics.version().counter == before + 3);
}

TEST_CASE("a replica takes over its master's table as a whole", "[broker][topics]") {
  TopicFixture fixture;
  auto topics = fixture.open();
  REQUIRE(topics.load());
  topics.update(topic_named("Mine"));
  TopicConfigTable table;
  table.version = {.timestamp = 5, .counter = 77, .state_version = 0};
  table.topics.emplace("Theirs", topic_named("Theirs"));
  topics.replace(table);
  CHECK(topics.names() == std::vector<std::string>{"Theirs"});
  CHECK(topics.version() == table.version);
}

TEST_CASE("names are refused in Java's words", "[broker][topics]") {
  CHECK(topic_name_problem(" ") == "The specified topic is blank.");
  CHECK(topic_name_problem("a b") == "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
  CHECK(topic_name_problem(std::string(128, 'a')) == "The specified topic is longer than topic max length.");
  CHECK_FALSE(topic_name_problem("%RETRY%Group|a_b-1"));
  CHECK(group_name_valid("G-1"));
  CHECK_FALSE(group_name_valid(""));
  CHECK_FALSE(group_name_valid(std::string(256, 'g')));
  CHECK(is_forbidden_to_send("SCHEDULE_TOPIC_XXXX"));
  CHECK_FALSE(is_forbidden_to_send("TBW102"));
}

}  // namespace skylark::broker
