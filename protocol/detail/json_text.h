// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/detail/text_scan.h"

namespace skylark::json::detail {

/// Writes the inside of a quoted string to `out` with its escapes resolved and returns where it ends, or null when an escape is unknown or
/// cut short. `out` needs `raw.size()` bytes: no escape is shorter than what it stands for. Knows the escapes of JSON and fastjson's
/// `\'`, `\v`, `\xHH`, `\0`..`\7`; a lone surrogate becomes `?`, as in Java.
[[nodiscard]] char* unescape_to(std::string_view raw, char* out) noexcept;

template <char kQuote>
[[nodiscard]] const char* find_closing_quote(const char* at, const char* end, bool& has_escape) noexcept {
  has_escape = false;
  for (;;) {
    at = skylark::detail::find_either<kQuote, '\\'>(at, end);
    if (at == end || *at == kQuote) return at;
    has_escape = true;
    if (end - at < 2) return end;
    at += 2;
  }
}
/// The `quote`, single or double, that closes the string whose inside begins at `at`, or `end`. `has_escape` says if there is a backslash.
[[nodiscard]] inline const char* find_closing_quote(const char* at, const char* end, char quote, bool& has_escape) noexcept {
  return quote == '"' ? find_closing_quote<'"'>(at, end, has_escape) : find_closing_quote<'\''>(at, end, has_escape);
}

[[nodiscard]] constexpr bool is_space(char c) noexcept {
  if (static_cast<unsigned char>(c) > ' ') return false;  // One comparison for nearly all there is.
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\b';
}
[[nodiscard]] constexpr bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
[[nodiscard]] constexpr bool is_number_character(char c) noexcept {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace skylark::json::detail
