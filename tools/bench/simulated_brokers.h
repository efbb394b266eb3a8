// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/remoting_command.h"
#include "tools/bench/options.h"

namespace skylark::bench {

/// Topics of one of the simulated brokers: each topic is held by `options.spread` brokers, and no broker holds two more than another.
[[nodiscard]] std::vector<std::int32_t> topics_of_broker(const Options& options, std::int32_t broker);

/// What that broker registers with; the same each time, so a name server sees that nothing changed.
[[nodiscard]] RemotingCommand make_registration(const Options& options, std::int32_t broker);

}  // namespace skylark::bench
