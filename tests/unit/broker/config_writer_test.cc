// SPDX-License-Identifier: Apache-2.0
#include "broker/config_writer.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "broker/topic_config_manager.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::broker {
namespace {

/// A table whose writes wait, like those of a disk that does not answer.
struct HeldTable {
  ~HeldTable() {
    release();
    writer.stop();
  }
  Result<void> write() {
    std::unique_lock lock(mutex);
    ++writes;
    released.wait(lock, [this] { return !held; });
    return {};
  }
  void release() {
    {
      const std::lock_guard lock(mutex);
      held = false;
    }
    released.notify_all();
  }

  std::mutex mutex;
  std::condition_variable released;
  bool held = true;
  std::atomic<int> writes{0};
  ConfigWriter writer;
  ConfigTable table{writer, [this] { return write(); }};
};

/// The topics of a broker on a disk that fails on demand, written by the test itself.
struct DiskFixture {
  DiskFixture() {
    REQUIRE(topics.load());
    topics.set_persist_listener([this] { table.changed(); });
  }
  static TopicManagerOptions options() {
    TopicManagerOptions options;
    options.path = "/store/config/topics.json";
    options.broker_name = "broker-a";
    options.cluster_name = "ClusterA";
    return options;
  }
  void make(const std::string& name) {
    TopicConfig config;
    config.name = name;
    topics.update(config);
  }
  /// Whether a start after a power cut now finds the topic.
  bool durable(const std::string& name) {
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
      const auto left = disk.after_power_cut(seed);
      TopicConfigManager again(options(), *left, clock);
      if (!again.load() || !again.contains(name)) return false;
    }
    return true;
  }
  void wait_for_write() {
    table.when_written([this](const Result<void>& result) { answers.push_back(result); });
  }

  ManualClock clock;
  FaultyFileSystem disk{clock};
  TopicConfigManager topics{options(), disk, clock};
  ConfigWriter writer;
  ConfigTable table{writer, [this] { return topics.persist(); }};
  std::vector<Result<void>> answers;
};

}  // namespace

TEST_CASE("all changes made during a write share the next one", "[broker][config]") {
  std::atomic<int> first{0}, later{0};
  HeldTable held;
  held.writer.start();
  held.table.changed();
  held.table.when_written([&first](const Result<void>&) { ++first; });
  REQUIRE(eventually([&] { return held.writes == 1; }));
  for (int i = 0; i < 1000; ++i) {
    held.table.changed();
    held.table.when_written([&later](const Result<void>& result) { later += result ? 1 : 0; });
  }
  CHECK(first == 0);
  CHECK(later == 0);

  held.release();
  CHECK(eventually([&] { return later == 1000; }));
  CHECK(first == 1);
  CHECK(held.writes == 2);
}

TEST_CASE("a wait during the write of its change ends with that write", "[broker][config]") {
  std::atomic<int> answers{0};
  HeldTable held;
  held.writer.start();
  held.table.changed();
  REQUIRE(eventually([&] { return held.writes == 1; }));
  held.table.when_written([&answers](const Result<void>&) { ++answers; });
  CHECK(answers == 0);
  held.release();
  CHECK(eventually([&] { return answers == 1; }));
}

TEST_CASE("a topic is durable when its wait ends, not before", "[broker][config]") {
  DiskFixture fixture;
  fixture.make("Orders");
  fixture.wait_for_write();
  CHECK(fixture.answers.empty());
  CHECK_FALSE(fixture.durable("Orders"));
  fixture.writer.write_changed();
  REQUIRE(fixture.answers.size() == 1);
  CHECK(fixture.answers[0]);
  CHECK(fixture.durable("Orders"));
  fixture.wait_for_write();  // Nothing has changed since.
  CHECK(fixture.answers.size() == 2);
}

TEST_CASE("a disk that refuses a write is told to those who wait, and asked again for the next", "[broker][config]") {
  DiskFixture fixture;
  fixture.disk.refuse_space(true);
  fixture.make("Orders");
  fixture.wait_for_write();
  fixture.writer.write_changed();
  REQUIRE(fixture.answers.size() == 1);
  CHECK(fixture.answers[0].error() == make_error_code(Errc::no_space));

  fixture.wait_for_write();
  CHECK(fixture.answers.size() == 1);
  fixture.disk.refuse_space(false);
  fixture.writer.write_changed();
  REQUIRE(fixture.answers.size() == 2);
  CHECK(fixture.answers[1]);
  CHECK(fixture.durable("Orders"));
}

TEST_CASE("a stop writes what nobody waits for, and all tables once more", "[broker][config]") {
  DiskFixture fixture;
  std::atomic<int> others{0};
  const ConfigTable other(fixture.writer, [&others]() -> Result<void> {
    ++others;
    return {};
  });
  fixture.writer.start();
  fixture.make("Orders");
  fixture.writer.stop();
  CHECK(fixture.durable("Orders"));
  CHECK(others == 1);

  fixture.make("Late");
  fixture.wait_for_write();
  REQUIRE(fixture.answers.size() == 1);
  CHECK(fixture.answers[0].error() == make_error_code(Errc::closed));
}

TEST_CASE("a writer that never started writes nothing at its stop", "[broker][config]") {
  DiskFixture fixture;
  fixture.make("Orders");
  fixture.writer.stop();
  CHECK_FALSE(fixture.durable("Orders"));
}

}  // namespace skylark::broker
