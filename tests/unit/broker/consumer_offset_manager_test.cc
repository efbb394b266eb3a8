// SPDX-License-Identifier: Apache-2.0
#include "broker/consumer_offset_manager.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {
namespace {

struct OffsetFixture {
  TemporaryFolder folder;
  std::string path = folder.path() + "/config/consumerOffset.json";
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  ManualClock clock;
  ConsumerOffsetManager open() { return ConsumerOffsetManager(path, 500, *files, clock); }
};

}  // namespace

TEST_CASE("offsets are kept by group, topic and queue, and read back from the file", "[broker][offsets]") {
  OffsetFixture fixture;
  {
    auto offsets = fixture.open();
    REQUIRE(offsets.load());
    CHECK(offsets.query("G", "T", 0) == -1);
    offsets.commit("G", "T", 0, 5);
    offsets.commit("G", "T", 1, 7);
    offsets.commit("G", "T", 0, 3);  // Back: accepted.
    offsets.persist();
  }
  auto again = fixture.open();
  REQUIRE(again.load());
  CHECK(again.query("G", "T", 0) == 3);
  CHECK(again.query("G", "T", 1) == 7);
  CHECK(again.query("G", "T", 2) == -1);
  CHECK(again.query("H", "T", 0) == -1);
}

TEST_CASE("a file of Java with bare integer keys is read", "[broker][offsets]") {
  OffsetFixture fixture;
  REQUIRE(fixture.files->create_folders(fixture.path.substr(0, fixture.path.rfind('/'))));
  REQUIRE(fixture.files->write_all(fixture.path,
                                   "{\n\t\"dataVersion\":{\n\t\t\"counter\":2,\n\t\t\"stateVersion\":0,\n\t\t\"timestamp\":9\n\t},\n"
                                   "\t\"groupTopicMap\":{\"GID\":[\"T\"]},\n\t\"offsetTable\":{\n\t\t\"T@GID\":{0:57,1:3\n\t\t}\n\t}\n}",
                                   false));
  auto offsets = fixture.open();
  REQUIRE(offsets.load());
  CHECK(offsets.query("GID", "T", 0) == 57);
  CHECK(offsets.query("GID", "T", 1) == 3);
  CHECK(offsets.version().counter == 2);
}

TEST_CASE("the file is only written after a change", "[broker][offsets]") {
  OffsetFixture fixture;
  auto offsets = fixture.open();
  offsets.persist();
  CHECK_FALSE(fixture.files->exists(fixture.path));
  offsets.commit("G", "T", 0, 1);
  offsets.persist();
  CHECK(fixture.files->exists(fixture.path));
}

TEST_CASE("a reset is handed out once, and is what a query sees until then", "[broker][offsets]") {
  OffsetFixture fixture;
  auto offsets = fixture.open();
  offsets.commit("G", "T", 0, 100);
  offsets.assign_reset("G", "T", 0, 10);
  CHECK(offsets.has_reset("G", "T", 0));
  CHECK_FALSE(offsets.has_reset("G", "T", 1));
  CHECK(offsets.query("G", "T", 0) == 10);
  CHECK(offsets.take_reset("G", "T", 0) == 10);
  CHECK_FALSE(offsets.take_reset("G", "T", 0));
  CHECK(offsets.query("G", "T", 0) == 10);
}

TEST_CASE("topics and groups of offsets can be told apart, copied and removed", "[broker][offsets]") {
  OffsetFixture fixture;
  auto offsets = fixture.open();
  offsets.commit("G", "T", 0, 4);
  offsets.commit("G", "%RETRY%G", 0, 1);
  offsets.commit("H", "T", 0, 2);
  offsets.commit("H", "T", 1, 9);

  CHECK(offsets.topics_of("G") == std::set<std::string>{"%RETRY%G", "T"});
  CHECK(offsets.groups_of("T") == std::set<std::string>{"G", "H"});
  CHECK(offsets.min_offsets("T", {}) == OffsetsByQueue{{0, 2}, {1, 9}});
  CHECK(offsets.min_offsets("T", {"H"}) == OffsetsByQueue{{0, 4}});

  offsets.clone("H", "I", "T");
  CHECK(offsets.offsets("I", "T") == OffsetsByQueue{{0, 2}, {1, 9}});
  offsets.remove_group("H");
  CHECK(offsets.query("H", "T", 0) == -1);
  CHECK(offsets.query("G", "T", 0) == 4);
  offsets.remove_topic("T");
  CHECK(offsets.all().size() == 1);
  CHECK(offsets.query("G", "%RETRY%G", 0) == 1);
}

TEST_CASE("a group of LMQs has one offset a topic, in a table of its own", "[broker][offsets][lmq]") {
  OffsetFixture fixture;
  {
    ConsumerOffsetManager offsets(fixture.path, 500, *fixture.files, fixture.clock, true);
    offsets.commit("%LMQ%G", "%LMQ%a", 3, 7);
    offsets.commit("G", "%LMQ%a", 0, 2);
    const json::Value table = offsets.to_json();
    CHECK(table["lmqOffsetTable"]["%LMQ%a@%LMQ%G"].as_integer() == 7);
    CHECK(table["offsetTable"].members().size() == 1);
    CHECK(table["groupTopicMap"].members().size() == 1);
    offsets.persist();
  }
  ConsumerOffsetManager again(fixture.path, 500, *fixture.files, fixture.clock, true);
  REQUIRE(again.load());
  CHECK(again.query("%LMQ%G", "%LMQ%a", 0) == 7);
  CHECK(again.query("%LMQ%G", "%LMQ%a", 5) == 7);
  CHECK(again.query("G", "%LMQ%a", 0) == 2);
  again.remove_group("%LMQ%G");
  CHECK(again.query("%LMQ%G", "%LMQ%a", 0) == -1);
}

TEST_CASE("the data version moves every so many commits", "[broker][offsets]") {
  OffsetFixture fixture;
  ConsumerOffsetManager offsets(fixture.path, 3, *fixture.files, fixture.clock);
  for (int i = 0; i < 7; ++i) offsets.commit("G", "T", 0, i);
  CHECK(offsets.version().counter == 2);
}

}  // namespace skylark::broker
