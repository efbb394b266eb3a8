// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace skylark::guard {

/// Calls of `operator new` and the bytes asked for.
struct Allocations {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

/// Since this thread began. Linking counted_new.cc replaces `operator new` of the whole program.
[[nodiscard]] Allocations allocations_of_this_thread() noexcept;

}  // namespace skylark::guard
