// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace skylark::detail {
[[noreturn]] void assertion_failed(const char* file, int line, std::string_view condition, std::string_view message) noexcept;
}  // namespace skylark::detail

/// For bugs of ours alone: logs and aborts, in release builds too. What a peer, a disk or an operator can cause is no assert.
#define SKYLARK_ASSERT(condition, message)                                              \
  do {                                                                                  \
    if (!(condition)) [[unlikely]]                                                      \
      ::skylark::detail::assertion_failed(__FILE__, __LINE__, #condition, (message));   \
  } while (false)
