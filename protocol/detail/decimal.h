// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// Numbers in decimal, written where they stay. An answer has three to five of them; `std::to_chars` took twice as long.

namespace skylark::detail {

inline constexpr std::size_t kDecimalSizeMax = 20;  ///< Characters of the longest number of 64 bits, with its sign.

/// 10 to each power that 64 bits hold, but 0 for 1: 0 has a digit as well.
inline constexpr auto kPowersOfTen = [] {
  std::array<std::uint64_t, 20> powers{};
  std::uint64_t power = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = power *= 10;
  return powers;
}();

[[nodiscard]] constexpr std::size_t count_digits(std::uint64_t value) noexcept {
  // 1233 / 4096 is the logarithm of 2: right, or one too small.
  const std::size_t floor = static_cast<std::size_t>(std::bit_width(value)) * 1233 >> 12;
  return floor + (value >= kPowersOfTen[floor] ? 1 : 0);
}

/// A number to be written as decimal text.
class Decimal {
 public:
  explicit constexpr Decimal(std::int64_t value) noexcept
      : magnitude_(value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value)),
        negative_(value < 0),
        digits_(count_digits(magnitude_)) {}

  [[nodiscard]] constexpr std::size_t size() const noexcept { return digits_ + (negative_ ? 1 : 0); }

  /// Writes `size()` characters and returns their end.
  char* write(char* to) const noexcept {
    if (negative_) *to++ = '-';
    char* at = to + digits_;
    std::uint64_t left = magnitude_;
    for (; left >= 100; left /= 100) std::memcpy(at -= 2, &kPairs[left % 100 * 2], 2);
    if (left >= 10)
      std::memcpy(at - 2, &kPairs[left * 2], 2);
    else
      at[-1] = static_cast<char>('0' + left);
    return to + digits_;
  }

 private:
  static constexpr auto kPairs = [] {  // "00" to "99".
    std::array<char, 200> pairs{};
    for (std::size_t i = 0; i < 100; ++i) {
      pairs[2 * i] = static_cast<char>('0' + i / 10);
      pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return pairs;
  }();

  std::uint64_t magnitude_;
  bool negative_;
  std::size_t digits_;
};

}  // namespace skylark::detail
