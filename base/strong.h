// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace skylark {

/// Byte position in the endless commit log. `value` is public: arithmetic with sizes is everywhere and plain.
struct PhysicalOffset {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(PhysicalOffset, PhysicalOffset) = default;
  friend constexpr PhysicalOffset operator+(PhysicalOffset at, std::int64_t by) { return {at.value + by}; }
  friend constexpr std::int64_t operator-(PhysicalOffset a, PhysicalOffset b) { return a.value - b.value; }
};

/// Number of a message within one topic queue, from 0.
struct QueueOffset {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(QueueOffset, QueueOffset) = default;
  friend constexpr QueueOffset operator+(QueueOffset at, std::int64_t by) { return {at.value + by}; }
  friend constexpr std::int64_t operator-(QueueOffset a, QueueOffset b) { return a.value - b.value; }
};

}  // namespace skylark
