// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/message.h"

namespace skylark {

/// The text of an offset message id in memory of its own, for where one is made for every message: as `make_offset_message_id`.
class OffsetMessageIdText {
 public:
  OffsetMessageIdText(const Host& store_host, std::int64_t physical_offset) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {digits_.data(), size_}; }

 private:
  std::array<char, 56> digits_;  // Two for each byte of address (16 at most), port and offset.
  std::size_t size_ = 0;
};

}  // namespace skylark
