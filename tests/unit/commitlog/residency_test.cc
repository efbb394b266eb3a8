// SPDX-License-Identifier: Apache-2.0
#include "commitlog/residency.h"

#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::commitlog {

TEST_CASE("what was found in memory is taken to be there for the rest of the second", "[commitlog]") {
  constexpr std::int64_t kSize = 1 << 20;
  ManualClock clock;
  FaultyFileSystem system(clock);
  REQUIRE(system.create_folders("/store").has_value());
  const auto asked = system.map("/store/asked", kSize, true);
  const auto other = system.map("/store/other", kSize, true);
  REQUIRE((asked && other));
  Residency residency(clock);
  CHECK(residency.resident(**asked, 100, 100, kSize));
  system.evict("/store");
  CHECK(residency.resident(**asked, 5'000, 100, kSize));  // The same chunk.
  CHECK_FALSE(residency.resident(**asked, kSize / 2, 100, kSize));
  CHECK_FALSE(residency.resident(**other, 100, 100, kSize));
  clock.advance(std::chrono::milliseconds(1'000));
  CHECK_FALSE(residency.resident(**asked, 100, 100, kSize));
}

}  // namespace skylark::commitlog
