// SPDX-License-Identifier: Apache-2.0
#include "base/crc32.h"

#include <libdeflate.h>

namespace skylark {

std::uint32_t crc32_31(std::string_view bytes) noexcept {
  if (bytes.empty()) return 0;
  return libdeflate_crc32(0, bytes.data(), bytes.size()) & 0x7FFFFFFFu;
}

}  // namespace skylark
