// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_stats.h"

#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "tests/support/catch.h"

namespace skylark::broker {

using namespace std::chrono_literals;

TEST_CASE("sums and rates are taken over the last minute, hour and day", "[broker][stats]") {
  ManualClock clock;
  BrokerStats stats(clock, "ClusterA");
  CHECK_FALSE(stats.find("TOPIC_PUT_NUMS", "T"));
  for (int second = 0; second < 120; ++second) {
    stats.add_put("T", 0, 2, 100);
    clock.advance(1s);
    stats.sample();
  }
  const auto view = stats.find("TOPIC_PUT_NUMS", "T");
  REQUIRE(view);
  CHECK(view->minute.sum >= 120);
  CHECK(view->minute.sum <= 142);
  CHECK(view->minute.tps == Approx(2.0).margin(0.05));
  CHECK(view->hour.sum == 240);
  CHECK(view->minute.average_per_time == Approx(2.0));
  CHECK(stats.find("QUEUE_PUT_SIZE", "T@0"));
  CHECK(stats.find("BROKER_PUT_NUMS", "ClusterA"));
  CHECK(stats.totals().put_times == 240);
}

TEST_CASE("a counter that stood still counts what came after it over the whole window", "[broker][stats]") {
  ManualClock clock;
  BrokerStats stats(clock, "ClusterA");
  const auto run = [&](std::chrono::seconds time) {
    for (auto second = 0s; second < time; second += 1s) {
      clock.advance(1s);
      stats.sample();
    }
  };
  stats.add_put("T", 3, 1000, 10);
  run(1200s);
  const auto idle = stats.find("QUEUE_PUT_NUMS", "T@3");
  REQUIRE(idle);
  CHECK(idle->minute.sum == 0);
  CHECK(idle->minute.tps == 0);
  CHECK(idle->hour.sum == 1000);
  stats.add_put("T", 3, 140, 10);
  run(5s);
  const auto busy = stats.find("QUEUE_PUT_NUMS", "T@3");
  CHECK(busy->minute.sum == 140);
  CHECK(busy->minute.tps == Approx(2.0).margin(0.4));  // Of a minute, not of the five seconds.
  CHECK(busy->hour.sum == 1140);
  run(90s);
  CHECK(stats.find("QUEUE_PUT_NUMS", "T@3")->minute.sum == 0);
  for (const char* absent : {"T@4", "U@3", "T", "T@x", "@3"}) CHECK_FALSE(stats.find("QUEUE_PUT_NUMS", absent));
}

TEST_CASE("a counter that is never still has the same windows, give or take a step", "[broker][stats]") {
  ManualClock clock;
  BrokerStats stats(clock, "ClusterA");
  for (auto time = 0s; time < 30h; time += 10s) {
    stats.add_put("T", 0, 10, 1000);
    clock.advance(10s);
    stats.sample();
  }
  for (const auto& [name, each] : {std::pair("QUEUE_PUT_NUMS", 10), std::pair("QUEUE_PUT_SIZE", 1000)}) {
    const auto view = stats.find(name, "T@0");
    REQUIRE(view);
    const std::pair<StatsWindow, int> windows[] = {{view->minute, 6}, {view->hour, 360}, {view->day, 8640}};
    for (const auto& [window, times] : windows) {
      CHECK(window.sum >= times * each);
      CHECK(window.sum <= (times + (times == 6 ? 1 : 60)) * each);
      CHECK(window.tps == Approx(each / 10.0));
      CHECK(window.average_per_time == Approx(each));
    }
  }
}

TEST_CASE("messages of more queues than a thread keeps are all counted", "[broker][stats]") {
  constexpr int kQueues = 20'000, kTimes = 3;
  ManualClock clock;
  BrokerStats stats(clock, "ClusterA");
  for (int i = 0; i < kQueues * kTimes; ++i) {
    stats.add_put("T", i % kQueues, 1, 10);
    stats.add_get("G", "T", i % kQueues, 2, 20);
  }
  CHECK(stats.totals().put_times == kQueues * kTimes);
  CHECK(stats.find("TOPIC_PUT_SIZE", "T")->day.sum == kQueues * kTimes * 10);
  CHECK(stats.find("GROUP_GET_NUMS", "T@G")->day.sum == kQueues * kTimes * 2);
  CHECK(stats.find("GROUP_GET_SIZE", "T@G")->day.sum == kQueues * kTimes * 20);
  CHECK(stats.find("BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC", "ClusterA")->day.sum == kQueues * kTimes * 2);
  for (const int queue : {0, kQueues - 1}) {
    CHECK(stats.find("QUEUE_PUT_NUMS", fmt::format("T@{}", queue))->day.sum == kTimes);
    CHECK(stats.find("QUEUE_GET_NUMS", fmt::format("T@{}@G", queue))->day.sum == kTimes * 2);
    CHECK(stats.find("QUEUE_GET_SIZE", fmt::format("T@{}@G", queue))->day.sum == kTimes * 20);
  }
}

TEST_CASE("puts of many threads at once are all counted", "[broker][stats]") {
  constexpr int kThreads = 20, kPuts = 500;  // More threads than the counters are split for.
  ManualClock clock;
  BrokerStats stats(clock, "ClusterA");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&stats, i] {
      for (int put = 0; put < kPuts; ++put) stats.add_put(i % 2 == 0 ? "T" : "rmq_sys_T", i % 3, 1, 10);
    });
  }
  for (int i = 0; i < 100; ++i) stats.sample();
  for (std::thread& thread : threads) thread.join();
  clock.advance(1s);
  CHECK(stats.totals().put_times == kThreads * kPuts);
  CHECK(stats.totals().put_bytes == kThreads * kPuts * 10);
  CHECK(stats.find("TOPIC_PUT_NUMS", "T")->day.sum == kThreads / 2 * kPuts);
  CHECK(stats.find("TOPIC_PUT_SIZE", "rmq_sys_T")->day.sum == kThreads / 2 * kPuts * 10);
  CHECK(stats.find("QUEUE_PUT_NUMS", "T@0")->day.sum == 4 * kPuts);  // Threads 0, 6, 12 and 18.
  CHECK(stats.find("BROKER_PUT_NUMS", "ClusterA")->day.sum == kThreads * kPuts);
  CHECK(stats.find("BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC", "ClusterA")->day.sum == kThreads / 2 * kPuts);
}

TEST_CASE("rates are written as Java does, as far as there are samples", "[broker][stats]") {
  ManualClock clock;
  BrokerStats stats(clock, "ClusterA");
  stats.sample();
  for (int second = 0; second < 20; ++second) {
    stats.add_put("T", 0, 3, 1);
    clock.advance(1s);
    stats.sample();
  }
  CHECK(stats.tps_text(BrokerStats::Rate::put) == "3.0  ");
  CHECK(stats.tps_text(BrokerStats::Rate::get_found) == "0.0  ");
}

TEST_CASE("the totals of today begin at midnight", "[broker][stats]") {
  ManualClock clock;
  BrokerStats stats(clock, "ClusterA");
  stats.add_put("T", 0, 5, 1);
  clock.advance(24h);
  stats.sample();
  stats.add_put("T", 0, 2, 1);
  CHECK(stats.totals().put_today_morning == 5);
  clock.advance(24h);
  stats.sample();
  CHECK(stats.totals().put_yesterday_morning == 5);
  CHECK(stats.totals().put_today_morning == 7);
}

}  // namespace skylark::broker
