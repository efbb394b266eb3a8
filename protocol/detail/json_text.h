// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skylark::json::detail {

/// Writes the inside of a quoted string to `out` with its escapes resolved and returns where it ends, or null when an escape is unknown or
/// cut short. `out` needs `raw.size()` bytes: no escape is shorter than what it stands for. Knows the escapes of JSON and fastjson's
/// `\'`, `\v`, `\xHH`, `\0`..`\7`; a lone surrogate becomes `?`, as in Java.
[[nodiscard]] char* unescape_to(std::string_view raw, char* out) noexcept;

/// Index of the `quote` that closes the string whose inside begins at `text[from]`, or npos. `has_escape` says if there is a backslash.
[[nodiscard]] std::size_t find_closing_quote(std::string_view text, std::size_t from, char quote, bool& has_escape) noexcept;

[[nodiscard]] constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\b'; }
[[nodiscard]] constexpr bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
[[nodiscard]] constexpr bool is_number_character(char c) noexcept {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace skylark::json::detail
