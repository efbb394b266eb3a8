// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skylark::broker {

/// Which bits a consumer's filter has in the bit map of a message: as many as the filter has hash functions.
struct BloomBits {
  std::int32_t bit_count = 0;  ///< Of the whole map.
  std::vector<std::int32_t> positions;
  friend bool operator==(const BloomBits&, const BloomBits&) = default;
};

/// Positions of names in bit maps of one size; a map says which names may be in it, and of the others that they are not. Positions equal
/// those of Java, since they are stored. Source: BloomFilter.java, BitsArray.java of the filter module.
class BloomFilter {
 public:
  /// `error_percent` from 1 to 99, `name_count` above 0: settings maxErrorRateOfBloomFilter, expectConsumerNumUseFilter.
  BloomFilter(std::int32_t error_percent, std::int32_t name_count);

  [[nodiscard]] std::int32_t bit_count() const noexcept { return bit_count_; }
  [[nodiscard]] BloomBits bits_of(std::string_view name) const;
  /// Whether these bits are of a filter with the same settings.
  [[nodiscard]] bool fits(const BloomBits& bits) const noexcept;
  /// A map without names.
  [[nodiscard]] std::string empty_map() const { return std::string(static_cast<std::size_t>(bit_count_ / 8), '\0'); }
  /// `bits` fit, and `map` is one of this filter's.
  static void add(const BloomBits& bits, std::string& map);
  /// False only when the name was not added.
  [[nodiscard]] static bool may_hold(const BloomBits& bits, std::string_view map);

 private:
  std::int32_t hash_count_ = 0;
  std::int32_t bit_count_ = 0;
};

}  // namespace skylark::broker
