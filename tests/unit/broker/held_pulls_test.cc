// SPDX-License-Identifier: Apache-2.0
#include "broker/held_pulls.h"

#include <atomic>
#include <thread>

#include "base/clock.h"
#include "tests/support/catch.h"
#include "tests/support/code_filter.h"
#include "tests/support/fake_connection.h"

namespace skylark::broker {
namespace {

using namespace std::chrono_literals;

/// Held pulls over queues whose ends the test sets; what is resumed is noted by its offset.
struct HeldFixture {
  std::int64_t end = 0;
  ManualClock clock;
  std::vector<std::int64_t> resumed;
  HeldPulls held{clock, [this](const std::string&, std::int32_t) { return end; }, [this](HeldPull pull) { resumed.push_back(pull.offset); },
                 4};

  bool hold(std::int64_t offset, MessageFilterPtr filter = nullptr, std::chrono::milliseconds wait = 15s) {
    HeldPull pull;
    pull.connection = std::make_shared<remoting::FakeConnection>();
    pull.topic = "T";
    pull.offset = offset;
    pull.filter = std::move(filter);
    pull.expires_ms = clock.steady_ms() + wait.count();
    return held.hold(pull);
  }
  void arrive(std::int64_t offset, std::int64_t tags_code = 0, std::int32_t queue_id = 0) {
    held.on_arrival(
        {.topic = "T", .queue_id = queue_id, .next_queue_offset = offset + 1, .unit = {.tags_code = tags_code}, .properties = {}});
  }
};

}  // namespace

TEST_CASE("a message wakes the pulls of its queue", "[broker][pull]") {
  HeldFixture fixture;
  REQUIRE(fixture.hold(0));
  fixture.arrive(0, 0, 1);
  CHECK(fixture.resumed.empty());
  fixture.arrive(0);
  CHECK(fixture.resumed == std::vector<std::int64_t>{0});
  CHECK(fixture.held.size() == 0);
}

TEST_CASE("a message that the filter refuses wakes nobody", "[broker][pull]") {
  HeldFixture fixture;
  REQUIRE(fixture.hold(0, std::make_shared<CodeFilter>(7)));
  fixture.arrive(0, 6);
  CHECK(fixture.resumed.empty());
  fixture.arrive(1, 7);
  CHECK(fixture.resumed.size() == 1);
}

TEST_CASE("a message that came before the pull stood in the table wakes it at once", "[broker][pull]") {
  HeldFixture fixture;
  fixture.end = 5;
  REQUIRE(fixture.hold(4));
  CHECK(fixture.resumed == std::vector<std::int64_t>{4});
}

TEST_CASE("a sweep resumes what has expired and nothing else", "[broker][pull]") {
  HeldFixture fixture;
  REQUIRE(fixture.hold(1, {}, 10s));
  REQUIRE(fixture.hold(2, {}, 20s));
  fixture.clock.advance(9s);
  fixture.held.sweep();
  CHECK(fixture.resumed.empty());
  fixture.clock.advance(1s);
  fixture.held.sweep();
  CHECK(fixture.resumed == std::vector<std::int64_t>{1});
  fixture.end = 3;
  fixture.held.sweep();
  CHECK(fixture.resumed == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("held pulls are bounded, and none is held after a stop", "[broker][pull]") {
  HeldFixture fixture;
  for (int i = 0; i < 4; ++i) REQUIRE(fixture.hold(i));
  CHECK_FALSE(fixture.hold(4));
  fixture.held.stop();
  CHECK(fixture.resumed.size() == 4);
  CHECK_FALSE(fixture.hold(5));
}

TEST_CASE("no pull is lost or resumed twice when messages, sweeps and pulls come together", "[broker][pull]") {
  ManualClock clock;
  std::atomic<std::int64_t> end{0};
  std::atomic<int> resumed{0};
  HeldPulls held(
      clock, [&end](const std::string&, std::int32_t) { return end.load(); }, [&resumed](HeldPull) { ++resumed; });
  constexpr int kPulls = 2'000;
  std::thread arrivals([&] {
    for (std::int64_t offset = 0; offset < kPulls; ++offset) {
      end = offset + 1;
      held.on_arrival({.topic = "T", .queue_id = 0, .next_queue_offset = offset + 1, .unit = {}, .properties = {}});
    }
  });
  std::thread sweeps([&] {
    while (end < kPulls) held.sweep();
  });
  for (int i = 0; i < kPulls; ++i) {
    HeldPull pull;
    pull.connection = std::make_shared<remoting::FakeConnection>();
    pull.topic = "T";
    pull.offset = i;
    pull.expires_ms = clock.steady_ms() + 1'000'000;
    REQUIRE(held.hold(pull));
  }
  arrivals.join();
  sweeps.join();
  CHECK(resumed == kPulls);
  CHECK(held.size() == 0);
}

}  // namespace skylark::broker
