// SPDX-License-Identifier: Apache-2.0
#include "base/page_allocator.h"

#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "tests/support/catch.h"

namespace skylark {

TEST_CASE("an array keeps its items while it grows from the heap into pages of its own", "[base]") {
  constexpr std::size_t kCount = 5 * PageAllocator<std::int64_t>::kLongBytes / sizeof(std::int64_t);
  std::vector<std::int64_t, PageAllocator<std::int64_t>> numbers;
  while (numbers.size() < kCount) numbers.push_back(static_cast<std::int64_t>(numbers.size()));
  for (std::size_t i = 0; i < kCount; ++i) REQUIRE(numbers[i] == static_cast<std::int64_t>(i));
  numbers.resize(3);
  numbers.shrink_to_fit();
  CHECK(numbers == decltype(numbers){0, 1, 2});
}

TEST_CASE("an array that no memory could hold is refused", "[base]") {
  CHECK_THROWS_AS(PageAllocator<std::int64_t>().allocate(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
}

}  // namespace skylark
