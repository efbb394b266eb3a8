// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace skylark {

/// First number of [low, high) for which `before` is false; `high` when there is none. `before` is true for all numbers up to some
/// place and false for all behind it.
template <class Before>
[[nodiscard]] std::int64_t partition_point(std::int64_t low, std::int64_t high, Before before) {
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (before(middle))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace skylark
