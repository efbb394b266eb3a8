// SPDX-License-Identifier: Apache-2.0
// Pages that never reached the disk, one case for each way in which one showed through after a power cut.
#include <algorithm>

#include "broker/json_file.h"
#include "consumequeue/simple_consume_queue.h"
#include "tests/fault/faulty_store.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

constexpr std::int64_t kQueueFileSize = 20 * consumequeue::kUnitSize;

}  // namespace

TEST_CASE("a consume queue that begins anew before its dirty part is flushed from there on", "[consumequeue][fault]") {
  const std::uint64_t seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{8}));
  ManualClock clock;
  FaultyFileSystem disk(clock);
  consumequeue::SimpleConsumeQueue queue(disk, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(queue.load().has_value());
  REQUIRE(queue.append({.physical_offset = 100, .size = 50, .tags_code = 0}, 45).has_value());  // Its first file begins at 40.
  REQUIRE(queue.append({.physical_offset = 200, .size = 50, .tags_code = 0}, 0).has_value());   // The topic was deleted and made again.
  REQUIRE(queue.flush().has_value());

  const auto after = disk.after_power_cut(seed);

  consumequeue::SimpleConsumeQueue found(*after, "/consumequeue/Orders/0", kQueueFileSize);
  REQUIRE(found.load().has_value());
  REQUIRE(found.recover(true).has_value());
  CHECK(found.max_offset() == 1);
  CHECK(found.max_physical_offset() == 250);
}

}  // namespace skylark::broker
