// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace skylark::detail {

void assertion_failed(const char* file, int line, std::string_view condition, std::string_view message) noexcept {
  std::fprintf(stderr, "%s:%d: assertion failed: %.*s: %.*s\n", file, line, static_cast<int>(condition.size()), condition.data(),
               static_cast<int>(message.size()), message.data());
  std::abort();
}

}  // namespace skylark::detail
