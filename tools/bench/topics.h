// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "tools/bench/connection.h"
#include "tools/bench/options.h"

namespace skylark::bench {

/// Creates the topics on the broker, or changes their number of queues. Errors: `BenchError` with the broker's remark.
void create_topics(Connection& connection, const Options& options);
/// End of each queue, topic by topic: the offset that its next message gets. Errors: `BenchError`.
[[nodiscard]] std::vector<std::int64_t> queue_ends(Connection& connection, const Options& options);

}  // namespace skylark::bench
