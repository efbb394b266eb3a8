// SPDX-License-Identifier: Apache-2.0
#include "client/detail/process_queue.h"

#include <cstdlib>
#include <random>
#include <set>

#include "tests/support/catch.h"

using skylark::client::ProcessQueue;
using skylark::client::ReceivedMessage;

namespace {

std::vector<ReceivedMessage> messages(std::int64_t begin, std::int64_t end) {
  std::vector<ReceivedMessage> list;
  for (std::int64_t offset = begin; offset < end; ++offset) {
    ReceivedMessage message;
    message.queue_offset = offset;
    message.body = "0123456789";
    list.push_back(std::move(message));
  }
  return list;
}

std::vector<std::int64_t> offsets_of(const std::vector<ReceivedMessage>& list) {
  std::vector<std::int64_t> offsets;
  for (const ReceivedMessage& message : list) offsets.push_back(message.queue_offset);
  return offsets;
}

}  // namespace

TEST_CASE("a fresh queue commits where it begins", "[client][process_queue]") {
  const ProcessQueue queue(7);
  CHECK(queue.commit_offset() == 7);
  CHECK(queue.position() == 7);
  CHECK(queue.span() == 0);
}

TEST_CASE("a message consumed out of order holds the commit at the oldest one left", "[client][process_queue]") {
  ProcessQueue queue(5);
  queue.put(messages(5, 10), 10);
  CHECK(offsets_of(queue.take(2)) == std::vector<std::int64_t>{5, 6});
  queue.finish({6});
  CHECK(queue.commit_offset() == 5);
  queue.finish({5});
  CHECK(queue.commit_offset() == 7);
  CHECK(queue.count() == 3);
  CHECK(queue.size_bytes() == 30);
}

TEST_CASE("when all is consumed the commit is where the next pull begins", "[client][process_queue]") {
  ProcessQueue queue(0);
  queue.put(messages(0, 2), 9);  // 2..8 did not match the filter.
  (void)queue.take(2);
  queue.finish({0, 1});
  CHECK(queue.commit_offset() == 9);
  queue.put({}, 12);
  CHECK(queue.commit_offset() == 12);
}

TEST_CASE("messages given back come again in their order", "[client][process_queue]") {
  ProcessQueue queue(0);
  queue.put(messages(0, 4), 4);
  auto batch = queue.take(2);
  queue.give_back(std::move(batch));
  CHECK_FALSE(queue.has_taken());
  CHECK(offsets_of(queue.take(4)) == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(queue.commit_offset() == 0);
}

TEST_CASE("an offset pulled twice counts once", "[client][process_queue]") {
  ProcessQueue queue(0);
  queue.put(messages(0, 3), 3);
  (void)queue.take(1);
  queue.put(messages(0, 4), 4);
  CHECK(queue.count() == 4);
  CHECK(queue.size_bytes() == 40);
}

TEST_CASE("the span reaches from the oldest to the newest message", "[client][process_queue]") {
  ProcessQueue queue(100);
  queue.put(messages(100, 103), 103);
  queue.put(messages(2'000, 2'001), 2'001);
  CHECK(queue.span() == 1'900);
  (void)queue.take(3);
  queue.finish({100, 101, 102});
  CHECK(queue.span() == 0);
}

TEST_CASE("the commit never passes a message that is not finished, over random operations", "[client][process_queue]") {
  const char* const given = std::getenv("SKYLARK_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  INFO("SKYLARK_SEED=" << seed);
  std::mt19937 random(seed);
  ProcessQueue queue(0);
  std::set<std::int64_t> open;  // The naive model: what is neither finished nor unknown.
  std::vector<ReceivedMessage> taken;
  std::int64_t next = 0, committed = 0;
  for (int step = 0; step < 5'000; ++step) {
    switch (random() % 4) {
      case 0: {
        const auto count = static_cast<std::int64_t>(random() % 5);
        for (std::int64_t offset = next; offset < next + count; ++offset) open.insert(offset);
        const auto gap = static_cast<std::int64_t>(random() % 3);
        queue.put(messages(next, next + count), next + count + gap);
        next += count + gap;
        break;
      }
      case 1:
        for (auto& message : queue.take(random() % 4)) taken.push_back(std::move(message));
        break;
      case 2:
        if (!taken.empty()) {
          const std::size_t index = random() % taken.size();
          queue.finish({taken[index].queue_offset});
          open.erase(taken[index].queue_offset);
          taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(index));
        }
        break;
      default:
        if (!taken.empty()) {
          std::vector<ReceivedMessage> back;
          back.push_back(std::move(taken.back()));
          taken.pop_back();
          queue.give_back(std::move(back));
        }
    }
    const std::int64_t expected = open.empty() ? next : *open.begin();
    REQUIRE(queue.commit_offset() == expected);
    REQUIRE(queue.commit_offset() >= committed);
    REQUIRE(queue.count() == open.size());
    REQUIRE(queue.size_bytes() == 10 * open.size());
    committed = queue.commit_offset();
  }
}
