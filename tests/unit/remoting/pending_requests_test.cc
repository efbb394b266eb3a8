// SPDX-License-Identifier: Apache-2.0
#include "remoting/detail/pending_requests.h"

#include "base/error.h"
#include "tests/support/catch.h"

namespace skylark::remoting::detail {
namespace {

using TimePoint = PendingRequests::TimePoint;

TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

std::int32_t add(PendingRequests& pending, int deadline, std::vector<int>* called = nullptr) {
  ResponseCallback callback = [called, deadline](const Result<RemotingCommand>&) {
    if (called != nullptr) called->push_back(deadline);
  };
  const auto opaque = pending.add(callback, at(deadline));
  REQUIRE(opaque);
  return *opaque;
}

}  // namespace

TEST_CASE("a request is taken once, by its opaque", "[remoting]") {
  PendingRequests pending;
  const std::int32_t first = add(pending, 10);
  const std::int32_t second = add(pending, 20);
  CHECK(first != second);
  CHECK(pending.take(first));
  CHECK_FALSE(pending.take(first));
  CHECK_FALSE(pending.take(12'345));
  CHECK(pending.next_deadline() == at(20));
  CHECK(pending.take(second));
  CHECK(pending.empty());
  CHECK_FALSE(pending.next_deadline());
}

TEST_CASE("requests expire in the order of their deadlines, up to now", "[remoting]") {
  PendingRequests pending;
  std::vector<int> called;
  for (const int deadline : {30, 10, 20, 40}) add(pending, deadline, &called);
  CHECK(pending.next_deadline() == at(10));
  CHECK(pending.take_expired(at(9)).empty());
  for (const ResponseCallback& callback : pending.take_expired(at(30))) callback(Errc::timed_out);
  CHECK(called == std::vector<int>{10, 20, 30});
  CHECK(pending.next_deadline() == at(40));
}

TEST_CASE("closing takes all and leaves later callbacks with their callers", "[remoting]") {
  PendingRequests pending;
  std::vector<int> called;
  for (const int deadline : {3, 1, 2}) add(pending, deadline, &called);
  for (const ResponseCallback& callback : pending.close()) callback(Errc::closed);
  CHECK(called == std::vector<int>{1, 2, 3});
  CHECK(pending.empty());
  ResponseCallback late = [](const Result<RemotingCommand>&) {};
  CHECK_FALSE(pending.add(late, at(1)));
  CHECK(late);
  CHECK(pending.close().empty());
}

}  // namespace skylark::remoting::detail
