// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace skylark::bench {

/// Raises the limit on open descriptors of this process so that `connections` fit beside what it needs for itself.
/// Errors: `BenchError` with both numbers when the machine does not allow it.
void require_descriptors(std::int64_t connections);

}  // namespace skylark::bench
