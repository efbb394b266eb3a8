// SPDX-License-Identifier: Apache-2.0
#include "client/detail/allocate.h"

#include <algorithm>
#include <set>

#include "tests/support/catch.h"

using skylark::client::allocate_averagely;
using skylark::client::MessageQueue;

namespace {

std::vector<MessageQueue> make_queues(int count) {
  std::vector<MessageQueue> queues;
  for (int id = 0; id < count; ++id) queues.push_back(MessageQueue{"T", "broker-a", id});
  return queues;
}

std::vector<int> ids_of(const std::vector<MessageQueue>& queues) {
  std::vector<int> ids;
  for (const MessageQueue& queue : queues) ids.push_back(queue.queue_id);
  return ids;
}

}  // namespace

TEST_CASE("the first members of a group get the queues that are left over", "[client][rebalance]") {
  const std::vector<std::string> members = {"c1", "c2", "c3"};
  CHECK(ids_of(allocate_averagely("c1", make_queues(8), members)) == std::vector<int>{0, 1, 2});
  CHECK(ids_of(allocate_averagely("c2", make_queues(8), members)) == std::vector<int>{3, 4, 5});
  CHECK(ids_of(allocate_averagely("c3", make_queues(8), members)) == std::vector<int>{6, 7});
}

TEST_CASE("members beyond the number of queues get none", "[client][rebalance]") {
  const std::vector<std::string> members = {"a", "b", "c"};
  CHECK(ids_of(allocate_averagely("a", make_queues(2), members)) == std::vector<int>{0});
  CHECK(ids_of(allocate_averagely("b", make_queues(2), members)) == std::vector<int>{1});
  CHECK(allocate_averagely("c", make_queues(2), members).empty());
}

TEST_CASE("who is not a member gets nothing", "[client][rebalance]") {
  CHECK(allocate_averagely("stranger", make_queues(4), {"a", "b"}).empty());
  CHECK(allocate_averagely("a", make_queues(4), {}).empty());
}

TEST_CASE("the order in which lists arrive does not matter", "[client][rebalance]") {
  auto queues = make_queues(5);
  const auto straight = allocate_averagely("c2", queues, {"c1", "c2"});
  std::ranges::reverse(queues);
  CHECK(allocate_averagely("c2", queues, {"c2", "c1"}) == straight);
}

TEST_CASE("queues are sorted by topic, broker and number", "[client][rebalance]") {
  const std::vector<MessageQueue> queues = {{"T", "broker-b", 0}, {"T", "broker-a", 10}, {"T", "broker-a", 2}};
  const auto first = allocate_averagely("c1", queues, {"c1", "c2", "c3"});
  REQUIRE(first.size() == 1);
  CHECK(first.front() == MessageQueue{"T", "broker-a", 2});
}

TEST_CASE("shares of all members are disjoint and complete for every size", "[client][rebalance]") {
  for (int queue_count = 0; queue_count <= 20; ++queue_count) {
    for (int member_count = 1; member_count <= 7; ++member_count) {
      std::vector<std::string> members;
      for (int i = 0; i < member_count; ++i) members.push_back("client-" + std::to_string(i));
      std::set<MessageQueue> seen;
      std::size_t sum = 0, least = 1'000, most = 0;
      for (const std::string& member : members) {
        const auto share = allocate_averagely(member, make_queues(queue_count), members);
        seen.insert(share.begin(), share.end());
        sum += share.size();
        least = std::min(least, share.size());
        most = std::max(most, share.size());
      }
      CHECK(sum == static_cast<std::size_t>(queue_count));
      CHECK(seen.size() == static_cast<std::size_t>(queue_count));
      CHECK(most - least <= 1);
    }
  }
}
