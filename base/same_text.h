// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace skylark {

/// Whether two texts are equal, for names: up to 16 bytes are compared by two words that overlap. That saves the call, and the stall when
/// one of the texts was copied a moment ago, for the copy is made of the same words.
[[nodiscard]] inline bool same_text(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  const auto same_ends = [&]<class Word>(Word) {
    const auto word = [](std::string_view text, std::size_t at) {
      Word bytes;
      std::memcpy(&bytes, text.data() + at, sizeof bytes);
      return bytes;
    };
    const std::size_t last = size - sizeof(Word);
    return word(a, 0) == word(b, 0) && word(a, last) == word(b, last);
  };
  if (size > 16) return std::memcmp(a.data(), b.data(), size) == 0;
  if (size >= 8) return same_ends(std::uint64_t{});
  if (size >= 4) return same_ends(std::uint32_t{});
  if (size >= 2) return same_ends(std::uint16_t{});
  return size == 0 || a[0] == b[0];
}

}  // namespace skylark
