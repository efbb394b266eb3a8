// SPDX-License-Identifier: Apache-2.0
// How what was appended becomes readable, and who is told of it by which thread.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "broker/staged_puts.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/unit/broker/message_store_fixture.h"

namespace skylark::broker {
namespace {

TEST_CASE("a listener hears of each message once it can be read", "[store]") {
  StoreFixture store;
  store.stop();
  std::mutex mutex;
  std::vector<std::int64_t> heard;
  std::atomic<int> unreadable{0};
  store.prepare([&](MessageStore& raw) {
    raw.set_arrival_listener([&](const ArrivedMessage& arrived) {
      if (raw.max_offset(arrived.topic, arrived.queue_id) < arrived.next_queue_offset) ++unreadable;
      const std::scoped_lock lock(mutex);
      heard.push_back(arrived.next_queue_offset);
    });
  });
  store.start();
  for (int i = 0; i < 5; ++i) store.put("Orders", 0, "x");
  CHECK(eventually([&] {
    const std::scoped_lock lock(mutex);
    return heard.size() == 5;
  }));
  CHECK(heard == std::vector<std::int64_t>{1, 2, 3, 4, 5});
  CHECK(unreadable == 0);
}

TEST_CASE("messages become readable whether or not anybody waits for them", "[store]") {
  StoreFixture store;
  store.stop();
  std::atomic<bool> awaited{false};
  store.prepare([&](MessageStore& raw) { raw.set_arrival_listener({}, [&] { return awaited.load(); }); });
  store.start();
  for (std::int64_t i = 0; i < 400; ++i) {  // The dispatcher rests behind most of them, or begins to.
    awaited = i / 100 % 2 == 1;
    store.put("Orders", 0, "x");
    if (i % 3 == 0) store->hasten();
    if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(i % 2 == 0 ? 1 : 3));
    REQUIRE(eventually([&] { return store->max_offset("Orders", 0) == i + 1; }));
  }
}

TEST_CASE("who appends may make records readable itself, in turn with the dispatcher", "[store]") {
  constexpr int kThreads = 2;
  constexpr int kEach = 400;
  StoreFixture store;
  store.stop();
  std::mutex mutex;
  std::vector<std::int64_t> heard;
  std::set<std::thread::id> heard_by;
  store.prepare([&](MessageStore& raw) {
    raw.set_arrival_listener(
        [&](const ArrivedMessage& arrived) {
          const std::scoped_lock lock(mutex);
          heard.push_back(arrived.next_queue_offset);
          heard_by.insert(std::this_thread::get_id());
        },
        [] { return true; });
  });
  store.start();
  std::vector<std::thread> threads;
  std::array<std::thread::id, kThreads> ids;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      ids[static_cast<std::size_t>(thread)] = std::this_thread::get_id();
      const PutMessage put = message("Orders", 0, "x");
      for (int i = 0; i < kEach; ++i) {
        if (store->append({&put, 1}).status != PutStatus::ok) return;
        if (i % 40 < 20) store->publish(true);  // Now one at a time, now more than anybody enters for the dispatcher.
        if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      }
      store->publish(true);
    });
  }
  for (std::thread& thread : threads) thread.join();
  store.await_dispatch();
  store.stop();
  std::vector<std::int64_t> all(kThreads * kEach);
  std::iota(all.begin(), all.end(), 1);
  CHECK(heard == all);
  CHECK((heard_by.contains(ids[0]) || heard_by.contains(ids[1])));
}

TEST_CASE("nobody waits for the dispatcher to enter records in its place", "[store]") {
  StoreFixture store;
  store.stop();
  std::promise<void> entered, gate;
  std::atomic<int> heard{0};
  store.prepare([&](MessageStore& raw) {
    raw.set_arrival_listener(
        [&](const ArrivedMessage&) {
          if (heard++ > 0) return;
          entered.set_value();
          gate.get_future().wait();
        },
        [] { return true; });
  });
  store.start();
  store.put("Orders", 0, "x");
  entered.get_future().wait();  // The dispatcher is at it, and stays so until the gate opens.
  const PutMessage put = message("Orders", 0, "y");
  REQUIRE(store->append({&put, 1}).status == PutStatus::ok);
  store->publish(true);
  CHECK(heard == 1);
  gate.set_value();
  CHECK(eventually([&] { return heard == 2; }));
  CHECK(store.bodies("Orders", 0) == std::vector<std::string>{"x", "y"});
}

}  // namespace
}  // namespace skylark::broker
