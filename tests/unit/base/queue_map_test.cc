// SPDX-License-Identifier: Apache-2.0
#include "base/queue_map.h"

#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tests/support/catch.h"

namespace skylark {
namespace {

using Content = std::map<std::pair<std::string, std::int32_t>, std::int64_t>;

Content content_of(const QueueMap<std::int64_t>& map) {
  Content content;
  map.for_each([&](std::string_view topic, std::int32_t queue_id, std::int64_t value) {
    REQUIRE(content.emplace(std::pair(topic, queue_id), value).second);
  });
  return content;
}

}  // namespace

TEST_CASE("a queue map keeps a value for each queue of each topic while it grows", "[base]") {
  QueueMap<std::int64_t> map;
  CHECK(map.at("A", 0) == 0);
  Content wanted{{{"A", 0}, 0}};
  for (int i = 0; i < 20'000; ++i) {
    const std::string topic = fmt::format("a topic with a long name {}", i % 700);
    const std::int32_t queue_id = i % 17 - 1;
    map.at(topic, queue_id) += i;
    wanted[{topic, queue_id}] += i;
  }
  CHECK(map.size() == wanted.size());
  CHECK(content_of(map) == wanted);
  for (const auto& [queue, value] : wanted) REQUIRE(map.at(queue.first, queue.second) == value);
}

TEST_CASE("a queue map finds every queue that is left while others are removed", "[base]") {
  QueueMap<std::int64_t> map;
  CHECK(map.find("A", 0) == nullptr);
  map.erase("A", 0);
  Content wanted;
  for (int i = 0; i < 3'000; ++i) {
    const std::string topic = fmt::format("T{}", i % 7);
    map.at(topic, i) = i;
    wanted[{topic, i}] = i;
  }
  map.erase("T0", 1);  // Is of T1.
  for (int i = 0; i < 3'000; i += i % 5 + 1) {
    const std::string topic = fmt::format("T{}", i % 7);
    map.erase(topic, i);
    wanted.erase({topic, i});
    REQUIRE(map.find(topic, i) == nullptr);
  }
  for (int i = 3; i < 3'000; i += 7) {
    map.erase("T3", i);
    wanted.erase({"T3", i});
  }
  map.forget("T3");
  CHECK(map.find("T3", 3) == nullptr);
  map.at("T3", 3) = 33;
  wanted[{"T3", 3}] = 33;
  CHECK(map.size() == wanted.size());
  CHECK(content_of(map) == wanted);
  for (const auto& [queue, value] : wanted) {
    REQUIRE(map.find(queue.first, queue.second) != nullptr);
    REQUIRE(*map.find(queue.first, queue.second) == value);
  }
}

TEST_CASE("a queue map forgets all queues of a topic and no other", "[base]") {
  QueueMap<std::int64_t> map;
  map.erase("A");
  for (int i = 0; i < 1'000; ++i) map.at(fmt::format("T{}", i % 10), i / 10) = i;
  map.erase("T3");
  map.erase("T");
  CHECK(map.size() == 900);
  CHECK(map.at("T4", 0) == 4);
  CHECK(map.at("T4", 99) == 994);
  CHECK(map.at("T3", 5) == 0);
  CHECK(map.size() == 901);
  CHECK(content_of(map).size() == 901);
  map.clear();
  CHECK(map.size() == 0);
  CHECK(map.at("T4", 0) == 0);
}

}  // namespace skylark
