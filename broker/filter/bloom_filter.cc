// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/bloom_filter.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

namespace skylark::broker {
namespace {

std::uint64_t mix_end(std::uint64_t value) noexcept {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

std::uint64_t load_le(const char* bytes, std::size_t size) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

/// First half of MurmurHash3 x64 128 with seed 0 (Austin Appleby, public domain), which Guava's Hashing.murmur3_128().asLong() is.
std::uint64_t murmur3_64(std::string_view text) noexcept {
  constexpr std::uint64_t kFirst = 0x87c37b91114253d5ULL;
  constexpr std::uint64_t kSecond = 0x4cf5ad432745937fULL;
  const auto mix_first = [](std::uint64_t k) { return std::rotl(k * kFirst, 31) * kSecond; };
  const auto mix_second = [](std::uint64_t k) { return std::rotl(k * kSecond, 33) * kFirst; };
  std::uint64_t h1 = 0;
  std::uint64_t h2 = 0;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 16; left -= 16, at += 16) {
    h1 = (std::rotl(h1 ^ mix_first(load_le(at, 8)), 27) + h2) * 5 + 0x52dce729;
    h2 = (std::rotl(h2 ^ mix_second(load_le(at + 8, 8)), 31) + h1) * 5 + 0x38495ab5;
  }
  if (left > 8) h2 ^= mix_second(load_le(at + 8, left - 8));
  if (left > 0) h1 ^= mix_first(load_le(at, std::min<std::size_t>(left, 8)));
  h1 ^= text.size();
  h2 ^= text.size();
  h1 += h2;
  h2 += h1;
  return mix_end(h1) + mix_end(h2);
}

double log_of(double base, double value) { return std::log(value) / std::log(base); }

}  // namespace

BloomFilter::BloomFilter(std::int32_t error_percent, std::int32_t name_count) {
  const double error_rate = error_percent / 100.0;
  hash_count_ = static_cast<std::int32_t>(std::ceil(log_of(0.5, error_rate)));
  const auto bits = static_cast<std::int32_t>(std::ceil(name_count * log_of(2, 1 / error_rate) * log_of(2, std::numbers::e)));
  bit_count_ = (bits + 7) / 8 * 8;
}

BloomBits BloomFilter::bits_of(std::string_view name) const {
  const std::uint64_t hash = murmur3_64(name);
  const auto first = static_cast<std::uint32_t>(hash);
  const auto second = static_cast<std::uint32_t>(hash >> 32);
  BloomBits bits;
  bits.bit_count = bit_count_;
  for (std::uint32_t i = 1; i <= static_cast<std::uint32_t>(hash_count_); ++i) {
    auto combined = static_cast<std::int32_t>(first + i * second);  // Wraps as Java's int does.
    if (combined < 0) combined = ~combined;
    bits.positions.push_back(combined % bit_count_);
  }
  return bits;
}

bool BloomFilter::fits(const BloomBits& bits) const noexcept {
  return bits.bit_count == bit_count_ && bits.positions.size() == static_cast<std::size_t>(hash_count_) &&
         std::all_of(bits.positions.begin(), bits.positions.end(), [this](std::int32_t at) { return at >= 0 && at < bit_count_; });
}

void BloomFilter::add(const BloomBits& bits, std::string& map) {
  for (const std::int32_t at : bits.positions) {
    char& byte = map[static_cast<std::size_t>(at / 8)];
    byte = static_cast<char>(byte | (1 << (at % 8)));
  }
}

bool BloomFilter::may_hold(const BloomBits& bits, std::string_view map) {
  return std::all_of(bits.positions.begin(), bits.positions.end(),
                     [map](std::int32_t at) { return (map[static_cast<std::size_t>(at / 8)] >> (at % 8) & 1) != 0; });
}

}  // namespace skylark::broker
