// SPDX-License-Identifier: Apache-2.0
// Mending step by step: how much of the log is read, what may happen between two steps, and when it ends.
#include "consumequeue/queue_mender.h"

#include "base/error.h"
#include "tests/support/captured_log.h"
#include "tests/support/catch.h"
#include "tests/unit/commitlog/log_fixture.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kFileSize = 10 * kUnitSize;
constexpr std::int64_t kMessages = 40;  // Of each topic; five records of each fit in a file of the log.
constexpr std::int64_t kAll = std::int64_t{1} << 40;
const std::string kZeros(kUnitSize, '\0');

struct MenderFixture {
  commitlog::LogFixture log;
  QueueTable queues{log.disk(), "/consumequeue", kFileSize};
  Indexer indexer{queues, nullptr, {}};
  QueueMender mender{log.log(), queues, indexer};
  std::map<std::string, std::string> whole;

  MenderFixture() {
    for (std::int64_t i = 0; i < kMessages; ++i) {
      for (const char* topic : {"Orders", "Payments"}) REQUIRE(log.append(topic, 0, {std::string(300, 'x')}).has_value());
    }
    const auto entered = commitlog::scan_log(log->files(), 0, true, [&](const MessageView& record) -> Result<void> {
      const auto added = indexer.add(record);
      return added ? Result<void>() : added.error();
    });
    REQUIRE(entered.has_value());
    whole = files();
  }
  [[nodiscard]] std::map<std::string, std::string> files() {
    std::map<std::string, std::string> files;
    for (const char* topic : {"Orders", "Payments"}) {
      const std::string folder = std::string("/consumequeue/") + topic + "/0";
      const auto names = log.disk().list(folder);
      for (const std::string& name : names ? *names : std::vector<std::string>())
        files[folder + name] = *log.disk().read_all(folder + "/" + name);
    }
    return files;
  }
  [[nodiscard]] static std::string path(std::int64_t offset, const std::string& topic = "Orders") {
    return "/consumequeue/" + topic + "/0/" + commitlog::mapped_file_name(offset / 10 * kFileSize);
  }
  void ruin(std::int64_t offset, const std::string& topic = "Orders") {
    log.disk().damage(path(offset, topic), static_cast<std::size_t>(offset % 10 * kUnitSize), kZeros);
  }
  /// A reader met it.
  bool report(std::int64_t offset, const std::string& topic = "Orders") {
    return mender.report(topic, 0, offset) == QueueMender::Answer::noted;
  }
  /// Steps until the queues are as they were; -1: they never are.
  int steps_of(std::int64_t bytes) {
    for (int steps = 1; steps < 500; ++steps) {
      mender.step(bytes);
      if (files() == whole) return steps;
    }
    return -1;
  }
};

}  // namespace

TEST_CASE("units that were changed get what the log has for them", "[consumequeue]") {
  MenderFixture store;
  const std::vector<std::int64_t> ruined =
      GENERATE(as<std::vector<std::int64_t>>(), std::vector<std::int64_t>{0}, std::vector<std::int64_t>{39}, std::vector<std::int64_t>{9},
               std::vector<std::int64_t>{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, std::vector<std::int64_t>{3, 5, 6, 7, 30},
               std::vector<std::int64_t>{0, 1, 2, 3, 37, 38, 39});
  for (const std::int64_t offset : ruined) store.ruin(offset);
  const CapturedLog log;
  for (const std::int64_t offset : ruined) CHECK(store.report(offset));
  for (const std::int64_t offset : ruined) CHECK_FALSE(store.report(offset));
  CHECK(store.steps_of(kAll) == 1);
  CHECK(log.says("were mended from the commit log"));
  CHECK_FALSE(log.says("cannot be mended"));
  store.ruin(ruined.front());
  CHECK(store.report(ruined.front()));  // What was mended can be changed again.
  CHECK(store.steps_of(kAll) == 1);
}

TEST_CASE("all units of a queue may be changed", "[consumequeue]") {
  MenderFixture store;
  for (std::int64_t offset = 0; offset < kMessages; ++offset) store.ruin(offset);
  CHECK(store.report(17));
  CHECK(store.steps_of(kAll) == 1);
}

TEST_CASE("a tags code that no reader sees is mended among others", "[consumequeue]") {
  MenderFixture store;
  for (const std::int64_t offset : {13, 14, 15}) store.ruin(offset);
  store.log.disk().damage(MenderFixture::path(16), 6 * kUnitSize + 12, "\x7F");
  CHECK(store.report(13));
  CHECK(store.steps_of(kAll) == 1);
}

TEST_CASE("the log is read in steps, once for all that lies over each other", "[consumequeue]") {
  MenderFixture one, many;
  one.ruin(0);
  CHECK(one.report(0));
  one.ruin(39);  // In between nothing is read.
  CHECK(one.report(39));
  CHECK(one.steps_of(1000) < 5);

  for (std::int64_t offset = 0; offset < kMessages; ++offset) one.ruin(offset);
  CHECK(one.report(20));
  const int steps = one.steps_of(1000);
  CHECK(steps > 10);
  for (std::int64_t offset = 0; offset < kMessages; ++offset) {
    for (const char* topic : {"Orders", "Payments"}) {
      many.ruin(offset, topic);
      CHECK(many.report(offset, topic));
    }
  }
  CHECK(many.steps_of(1000) <= steps + 1);
}

TEST_CASE("what becomes of a queue while it is mended is left as it is", "[consumequeue]") {
  MenderFixture store;
  for (std::int64_t offset = 0; offset < kMessages; ++offset) store.ruin(offset);
  CHECK(store.report(20));
  store.mender.step(4000);
  store.mender.step(4000);
  const auto queue = store.queues.find("Orders", 0);
  const CapturedLog log;
  SECTION("the topic is deleted") {
    store.queues.remove_topic("Orders");
    store.mender.step(kAll);
    CHECK(store.log.disk().list("/consumequeue/Orders/0").error() == Errc::not_found);
  }
  SECTION("the topic is deleted and has messages again") {
    store.queues.remove_topic("Orders");
    REQUIRE((*store.queues.find_or_make("Orders", 0, false))->append({100'000, 100, 1}, 0).has_value());
    const auto made = store.files();
    store.mender.step(kAll);
    CHECK(store.files() == made);
  }
  SECTION("it is cut, as on a replica, and filled with others") {
    REQUIRE(queue->truncate(0).has_value());
    for (std::int64_t offset = 0; offset < kMessages; ++offset)
      REQUIRE(queue->append({100'000 + offset * 100, 100, 1}, offset).has_value());
    const auto made = store.files();
    store.mender.step(kAll);
    CHECK(store.files() == made);
  }
  SECTION("files are removed with those of the log") {
    REQUIRE(store.log->remove_first_file().has_value());
    REQUIRE(store.log->remove_first_file().has_value());
    REQUIRE(store.log->remove_first_file().has_value());
    store.mender.step(kAll);
    queue->expire(store.log->begin());
    CHECK_FALSE(store.log.disk().exists(MenderFixture::path(0)));
    CHECK(queue->min_offset() <= 15);  // Before it units may stand whose records went before they were read.
    for (std::int64_t offset = 15; offset < kMessages; ++offset) CHECK(queue->at(offset)->physical_offset >= store.log->begin());
    REQUIRE(store.log->remove_first_file().has_value());
    queue->expire(store.log->begin());
    CHECK(queue->min_offset() == 20);
  }
  CHECK_FALSE(log.says("cannot be mended"));
  CHECK(store.report(39));
  store.mender.step(kAll);
  REQUIRE(store.queues.flush().has_value());
}

TEST_CASE("a place whose record the log does not have is told once and left alone", "[consumequeue]") {
  MenderFixture store;
  const std::int64_t physical = store.queues.find("Orders", 0)->at(15)->physical_offset;
  store.log.disk().damage("/log/" + commitlog::mapped_file_name(physical / 4096 * 4096), static_cast<std::size_t>(physical % 4096 + 100),
                          "y");
  store.ruin(14);
  store.ruin(15);
  store.ruin(16);
  const CapturedLog log;
  for (const std::int64_t offset : {14, 15, 16}) CHECK(store.report(offset));
  store.mender.step(kAll);
  CHECK(log.says("offset 15 of consume queue 0 of Orders cannot be mended: the commit log has no whole record for it"));
  CHECK_FALSE(log.says("offset 14 of consume queue 0 of Orders cannot be mended"));
  CHECK(store.queues.find("Orders", 0)->at(16)->size > 0);
  CHECK_FALSE(store.report(15));
  const std::string text = log.text();
  for (int i = 0; i < 200; ++i) store.mender.step(kAll);
  CHECK(log.text() == text);
}

TEST_CASE("a disk that refuses is asked again, but not for ever", "[consumequeue]") {
  MenderFixture store;
  store.ruin(14);
  CHECK(store.report(14));
  const CapturedLog log;
  store.log.disk().fail_reads_of("/log/");
  store.mender.step(kAll);
  CHECK(log.says("cannot mend offset 14 of consume queue 0 of Orders now"));
  SECTION("it answers again") {
    store.log.disk().fail_reads_of("");
    CHECK(store.steps_of(kAll) > 1);
    CHECK_FALSE(log.says("cannot be mended"));
  }
  SECTION("it never does") {
    for (int i = 0; i < 1000; ++i) store.mender.step(kAll);
    CHECK(log.says("offset 14 of consume queue 0 of Orders cannot be mended"));
    store.log.disk().fail_reads_of("");
    CHECK(store.steps_of(kAll) == -1);
    CHECK_FALSE(store.report(14));
  }
}

}  // namespace skylark::consumequeue
