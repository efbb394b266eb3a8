// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

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
/// One bit for each of the 16 bytes that a JSON string may have to escape.
[[nodiscard]] inline unsigned json_escape_mask(__m128i bytes) noexcept {
  const auto equal = [&bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  const __m128i marks = _mm_or_si128(_mm_or_si128(equal('"'), equal('\\')), _mm_or_si128(equal('\x7F'), equal('\xE2')));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, marks)));
}
[[nodiscard]] inline __m128i load_16(const char* at) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
#endif

/// The first character in [at, end) that a JSON string may have to escape (control characters, quote, backslash, DEL, and 0xE2, which
/// begins U+2028 and U+2029), or `end`.
[[nodiscard]] inline const char* find_json_escape(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - at >= kScanWidth; at += kScanWidth) {
    if (const unsigned mask = json_escape_mask(load_16(at)); mask != 0) return at + std::countr_zero(mask);
  }
#endif
  for (; at != end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F || c == 0xE2) break;
  }
  return at;
}

/// Copies `text` to `to` and says whether `find_json_escape` finds nothing in it. What is looked at is what was loaded for the copy: to
/// read again what was written a moment ago in other pieces stalls the processor. A text that is no multiple of a word ends in one that
/// overlaps.
[[nodiscard]] inline bool copy_plain_json(std::string_view text, char* to) noexcept {
#ifdef __SSE2__
  const char* const at = text.data();
  const std::size_t size = text.size();
  unsigned escapes = 0;
  const auto copy_16 = [&](std::size_t place) {
    const __m128i bytes = load_16(at + place);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + place), bytes);
    escapes |= json_escape_mask(bytes);
  };
  const auto copy_both_ends = [&]<class Word>(Word first) {
    Word last;
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&last, at + size - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + size - sizeof last, &last, sizeof last);
    const auto of = [](Word word) { return _mm_cvtsi64_si128(static_cast<std::int64_t>(word)); };
    constexpr unsigned kUsed = (1u << sizeof(Word)) - 1;  // Of either half.
    const unsigned both = json_escape_mask(_mm_unpacklo_epi64(of(first), of(last)));
    escapes = (both | both >> 8) & kUsed;
  };
  if (size >= 16) {
    for (std::size_t place = 0; place + 16 < size; place += 16) copy_16(place);
    copy_16(size - 16);
  } else if (size >= 8) {
    copy_both_ends(std::uint64_t{});
  } else if (size >= 4) {
    copy_both_ends(std::uint32_t{});
  } else if (size >= 2) {
    copy_both_ends(std::uint16_t{});
  } else if (size == 1) {
    copy_both_ends(std::uint8_t{});
  }
  return escapes == 0;
#else
  text.copy(to, text.size());
  return find_json_escape(text.data(), text.data() + text.size()) == text.data() + text.size();
#endif
}

}  // namespace skylark::detail
