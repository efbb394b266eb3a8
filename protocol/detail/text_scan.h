// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Looks through text 16 bytes at a time where the processor can: headers and properties are read and written for every message, and
// character by character that was a quarter of what a send cost. Elsewhere the loops behind `#endif` do the whole work.

namespace skylark::detail {

inline constexpr std::ptrdiff_t kScanWidth = 16;

/// The first `kWanted` or `kOther` in [at, end), or `end`.
template <char kWanted, char kOther = kWanted>
[[nodiscard]] inline const char* find_either(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - at >= kScanWidth; at += kScanWidth) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    __m128i found = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(kWanted));
    if constexpr (kWanted != kOther) found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(kOther)));
    if (const int mask = _mm_movemask_epi8(found); mask != 0) return at + std::countr_zero(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && *at != kWanted && *at != kOther) ++at;
  return at;
}

/// Finds the double quotes and backslashes of a text from its front to its end. A block of it is compared at once and kept as one bit a
/// byte: then the next mark is a shift away, and no name or value, however short, has a loop of its own.
class MarkFinder {
 public:
  MarkFinder(const char* begin, const char* end) noexcept : begin_(begin), end_(end), block_(begin) {
    if (begin != end) marks_ = marks_from(begin);
  }

  /// The first mark in [at, end), or `end`.
  [[nodiscard]] const char* find(const char* at) noexcept {
    const auto passed = static_cast<std::size_t>(at - block_);
    const std::uint64_t ahead = passed < kBlock ? marks_ >> passed : 0;
    return ahead != 0 ? at + std::countr_zero(ahead) : find_in_other_blocks(at);
  }

 private:
  static constexpr std::size_t kBlock = 64;

  [[nodiscard]] std::size_t left_from(const char* at) const noexcept { return static_cast<std::size_t>(end_ - at); }

  /// As `find`, when the block at hand has no mark in [at, end).
  [[gnu::noinline]] const char* find_in_other_blocks(const char* at) noexcept {
    if (static_cast<std::size_t>(at - block_) < kBlock) at = left_from(block_) > kBlock ? block_ + kBlock : end_;
    for (; at != end_; at = left_from(at) > kBlock ? at + kBlock : end_) {
      block_ = at;
      marks_ = marks_from(at);
      if (marks_ != 0) return at + std::countr_zero(marks_);
    }
    return end_;
  }

  /// One bit for each of the 64 bytes from `at`; none for those behind the end.
  [[nodiscard]] std::uint64_t marks_from(const char* at) const noexcept {
#ifdef __SSE2__
    if (left_from(at) >= kBlock) return marks_of_block(at);
    if (left_from(begin_) >= kBlock) return marks_of_block(end_ - kBlock) >> (kBlock - left_from(at));
#endif
    std::uint64_t marks = 0;
    for (std::size_t i = 0; i < kBlock && i < left_from(at); ++i) marks |= std::uint64_t{at[i] == '"' || at[i] == '\\'} << i;
    return marks;
  }
#ifdef __SSE2__
  [[nodiscard]] static std::uint64_t marks_of_block(const char* at) noexcept {
    const auto quarter = [at](int i) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + i);
      const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
      return std::uint64_t{static_cast<unsigned>(_mm_movemask_epi8(marks))} << (16 * i);
    };
    return quarter(0) | quarter(1) | quarter(2) | quarter(3);
  }
#endif

  const char* const begin_;
  const char* const end_;
  const char* block_;
  std::uint64_t marks_ = 0;  ///< Of the 64 bytes from `block_`.
};

#ifdef __SSE2__
/// One bit for each of the 16 bytes from `at` that a JSON string may have to escape.
[[nodiscard]] inline unsigned json_escape_mask(const char* at) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const auto equal = [&bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  const __m128i marks = _mm_or_si128(_mm_or_si128(equal('"'), equal('\\')), _mm_or_si128(equal('\x7F'), equal('\xE2')));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, marks)));
}
#endif

/// The first character in [at, end) that a JSON string may have to escape (control characters, quote, backslash, DEL, and 0xE2, which
/// begins U+2028 and U+2029), or `end`.
[[nodiscard]] inline const char* find_json_escape(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - at >= kScanWidth; at += kScanWidth) {
    if (const unsigned mask = json_escape_mask(at); mask != 0) return at + std::countr_zero(mask);
  }
#endif
  for (; at != end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F || c == 0xE2) break;
  }
  return at;
}

/// Whether `find_json_escape` finds nothing. At least `kScanWidth` bytes behind the text must be readable, whatever they hold: so its end
/// needs no loop of its own, and most texts are shorter than that.
[[nodiscard]] inline bool is_plain_json(const char* text, std::size_t size) noexcept {
#ifdef __SSE2__
  const char* const end = text + size;
  for (; end - text >= kScanWidth; text += kScanWidth) {
    if (json_escape_mask(text) != 0) return false;
  }
  return (json_escape_mask(text) & ((1u << (end - text)) - 1)) == 0;
#else
  return find_json_escape(text, text + size) == text + size;
#endif
}

}  // namespace skylark::detail
