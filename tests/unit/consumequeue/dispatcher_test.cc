// SPDX-License-Identifier: Apache-2.0
// Records are decoded some ahead of their entry: what happens between the two, and where such a group ends.
#include "consumequeue/dispatcher.h"

#include <functional>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/unit/commitlog/log_fixture.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int32_t kMany = 400;  // Queues; with so many their memory is asked for ahead.

struct DispatcherFixture {
  commitlog::LogFixture log;
  QueueTable queues{log.disk(), "/consumequeue", 10 * kUnitSize};
  Indexer indexer{queues, nullptr, {}};
  std::vector<std::int32_t> entered;  // Their queues, in order.
  std::function<void(std::int32_t queue_id)> on_entered = [](std::int32_t) {};
  Dispatcher dispatcher{log.log(), indexer, [this](const MessageView& record, std::int64_t) {
                          entered.push_back(record.queue_id);
                          on_entered(record.queue_id);
                        }};

  /// One record for each queue.
  std::vector<std::int64_t> append(std::string_view topic, std::int32_t count) {
    std::vector<std::int64_t> begins;
    for (std::int32_t id = 0; id < count; ++id) {
      const auto appended = log.append(topic, id, {"body"});
      REQUIRE(appended.has_value());
      begins.push_back(appended->begin);
    }
    return begins;
  }
  void await_all() {
    dispatcher.wake(Dispatcher::Haste::at_once);
    REQUIRE(eventually([&] { return dispatcher.position() == log->end(); }));
  }
};

}  // namespace

TEST_CASE("a queue that is removed when its next record has been decoded is made anew", "[consumequeue]") {
  DispatcherFixture fixture;
  fixture.append("Many", kMany);
  fixture.append("Many", kMany);
  fixture.on_entered = [&](std::int32_t queue_id) {
    const bool second = fixture.entered.size() > std::size_t{kMany};
    if (second && queue_id % 2 == 0) CHECK(fixture.queues.remove_queue("Many", queue_id + 1));
  };
  fixture.dispatcher.start(0);
  fixture.await_all();
  fixture.dispatcher.stop();

  REQUIRE(fixture.entered.size() == 2 * std::size_t{kMany});
  for (std::int32_t id = 0; id < kMany; ++id) {
    REQUIRE(fixture.entered[static_cast<std::size_t>(kMany + id)] == id);
    const auto bounds = fixture.queues.find("Many", id)->bounds();
    REQUIRE(bounds.max == 2);
    REQUIRE(bounds.min == id % 2);
  }
}

TEST_CASE("a disk that refuses a record amid decoded ones stops the dispatcher there until it takes it", "[consumequeue]") {
  constexpr std::int32_t kRefused = 7, kCount = 16;
  DispatcherFixture fixture;
  fixture.append("Many", kMany);
  fixture.dispatcher.start(0);
  fixture.await_all();
  fixture.log.disk().refuse_space_of("/New/7/");
  const auto begins = fixture.append("New", kCount);
  fixture.dispatcher.wake(Dispatcher::Haste::at_once);
  REQUIRE(eventually([&] { return fixture.dispatcher.stalled(); }));
  CHECK(fixture.dispatcher.position() == begins[kRefused]);
  CHECK(fixture.dispatcher.last_record() == begins[kRefused - 1]);
  CHECK(fixture.queues.find("New", kRefused - 1)->max_offset() == 1);
  CHECK(fixture.queues.find("New", kRefused + 1) == nullptr);

  fixture.log.disk().refuse_space_of("");
  fixture.await_all();
  fixture.dispatcher.stop();
  CHECK_FALSE(fixture.dispatcher.stalled());
  REQUIRE(fixture.entered.size() == std::size_t{kMany + kCount});
  for (std::int32_t id = 0; id < kCount; ++id) CHECK(fixture.entered[static_cast<std::size_t>(kMany + id)] == id);
}

TEST_CASE("a record that cannot be read is passed over and those around it are entered", "[consumequeue]") {
  constexpr std::int32_t kUnreadable = 5, kCount = 20;
  DispatcherFixture fixture;
  const auto begins = fixture.append("Many", kCount);
  const std::string file = "/log/" + commitlog::mapped_file_name(0);
  fixture.log.disk().damage(file, static_cast<std::size_t>(begins[kUnreadable]) + record_at::kMagic, "????");
  fixture.dispatcher.start(0);
  fixture.await_all();
  fixture.dispatcher.stop();
  CHECK(fixture.entered.size() == std::size_t{kCount - 1});
  CHECK(fixture.queues.find("Many", kUnreadable) == nullptr);
  CHECK(fixture.queues.find("Many", kUnreadable + 1)->max_offset() == 1);
}

}  // namespace skylark::consumequeue
