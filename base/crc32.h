// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace skylark {

/// CRC-32 (IEEE, as zlib) of `bytes` with the top bit cleared, the form in which RocketMQ stores and sends it; 0 for nothing.
/// Source: UtilAll.crc32.
[[nodiscard]] std::uint32_t crc32_31(std::string_view bytes) noexcept;

}  // namespace skylark
