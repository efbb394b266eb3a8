// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "protocol/message.h"

namespace skylark {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;  // What Java's decoder puts for bytes that are no UTF-8.

/// Range of the byte behind a lead byte: it keeps out overlong forms, surrogates and what is beyond U+10FFFF.
struct Lead {
  int continuation_count;
  unsigned char second_min, second_max;
};

Lead lead_of(unsigned char byte) noexcept {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

/// Takes one code point off the front; of malformed bytes the longest start that could have become one.
std::uint32_t take_code_point(std::string_view& utf8) noexcept {
  const auto first = static_cast<unsigned char>(utf8.front());
  utf8.remove_prefix(1);
  const Lead lead = lead_of(first);
  if (lead.continuation_count == 0) return kReplacement;
  std::uint32_t code_point = first & (0x3Fu >> lead.continuation_count);
  for (int i = 0; i < lead.continuation_count; ++i) {
    if (utf8.empty()) return kReplacement;
    const auto next = static_cast<unsigned char>(utf8.front());
    if (next < (i == 0 ? lead.second_min : 0x80) || next > (i == 0 ? lead.second_max : 0xBF)) return kReplacement;
    code_point = (code_point << 6) | (next & 0x3Fu);
    utf8.remove_prefix(1);
  }
  return code_point;
}

bool is_ascii4(const char* bytes) noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x80808080u) == 0;
}

#ifdef __SSE2__
constexpr std::uint32_t k31To4 = 31u * 31 * 31 * 31;

/// The hash behind 16 characters: neighbors are joined to pairs, those to fours, and these to the whole. A unique key has 32.
std::uint32_t add_ascii16(std::uint32_t hash, __m128i bytes) noexcept {
  const auto join = [](__m128i halves, int power) { return _mm_madd_epi16(halves, _mm_set1_epi32(1 << 16 | power)); };
  const __m128i zero = _mm_setzero_si128();
  const __m128i pairs = _mm_packs_epi32(join(_mm_unpacklo_epi8(bytes, zero), 31), join(_mm_unpackhi_epi8(bytes, zero), 31));
  alignas(16) std::array<std::uint32_t, 4> fours;
  _mm_store_si128(reinterpret_cast<__m128i*>(fours.data()), join(pairs, 31 * 31));
  constexpr std::uint32_t k31To8 = k31To4 * k31To4;
  return hash * (k31To8 * k31To8) + fours[0] * (k31To8 * k31To4) + fours[1] * k31To8 + fours[2] * k31To4 + fours[3];
}
#endif

}  // namespace

std::int32_t java_string_hash(std::string_view utf8, std::int32_t before) noexcept {
  auto hash = static_cast<std::uint32_t>(before);
  const auto add_unit = [&hash](std::uint32_t unit) { hash = hash * 31 + unit; };
  while (!utf8.empty()) {
#ifdef __SSE2__
    if (utf8.size() >= 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(utf8.data()));
      if (_mm_movemask_epi8(bytes) == 0) {
        hash = add_ascii16(hash, bytes);
        utf8.remove_prefix(16);
        continue;
      }
    }
#endif
    if (utf8.size() >= 4 && is_ascii4(utf8.data())) {  // Four at once: one by one each waits for the product of the one before.
      const auto unit = [&utf8](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(utf8[i])); };
      hash = hash * (31u * 31 * 31 * 31) + unit(0) * (31u * 31 * 31) + unit(1) * (31u * 31) + unit(2) * 31u + unit(3);
      utf8.remove_prefix(4);
      continue;
    }
    if (const auto first = static_cast<unsigned char>(utf8.front()); first < 0x80) {  // Nearly all there is.
      add_unit(first);
      utf8.remove_prefix(1);
      continue;
    }
    const std::uint32_t code_point = take_code_point(utf8);
    if (code_point < 0x10000) {
      add_unit(code_point);
    } else {
      add_unit(0xD800 + ((code_point - 0x10000) >> 10));
      add_unit(0xDC00 + ((code_point - 0x10000) & 0x3FF));
    }
  }
  return static_cast<std::int32_t>(hash);
}

std::int64_t tags_code(std::string_view tags) noexcept { return java_string_hash(tags); }

}  // namespace skylark
