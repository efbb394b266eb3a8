// SPDX-License-Identifier: Apache-2.0
#include "protocol/detail/json_text.h"

#include <array>
#include <cstring>

#include "protocol/json.h"

namespace skylark::json {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

/// Value of each hex digit; -1 for every other character.
constexpr auto kHexValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}();

/// Value of `count` hex digits at `at`, or -1.
std::int32_t read_hex(std::string_view text, std::size_t at, std::size_t count) noexcept {
  if (text.size() < count || at > text.size() - count) return -1;
  std::int32_t value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const int digit = kHexValues[static_cast<unsigned char>(text[i])];
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void append_unicode_escape(std::string& out, unsigned value) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(value >> shift) & 0xF];
}

/// Whether fastjson escapes the character that begins at `text[at]`; U+2028 and U+2029 are three bytes long.
bool needs_escape(std::string_view text, std::size_t at) noexcept {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) return true;
  return c == 0xE2 && text.size() - at >= 3 && text[at + 1] == '\x80' && (text[at + 2] == '\xA8' || text[at + 2] == '\xA9');
}

/// Appends the escape of the character at `text[at]` and returns how many bytes it took.
std::size_t append_escape(std::string& out, std::string_view text, std::size_t at) {
  const char c = text[at];
  switch (c) {
    case '"': out += "\\\""; return 1;
    case '\\': out += "\\\\"; return 1;
    case '\b': out += "\\b"; return 1;
    case '\t': out += "\\t"; return 1;
    case '\n': out += "\\n"; return 1;
    case '\f': out += "\\f"; return 1;
    case '\r': out += "\\r"; return 1;
    case '\xE2': append_unicode_escape(out, text[at + 2] == '\xA8' ? 0x2028 : 0x2029); return 3;
    default: append_unicode_escape(out, static_cast<unsigned char>(c)); return 1;
  }
}

}  // namespace

namespace detail {
namespace {

char* write_utf8(char* out, std::uint32_t code_point) noexcept {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6)), put(0x80 | (code_point & 0x3F));
  } else if (code_point >= 0xD800 && code_point < 0xE000) {
    put('?');
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12)), put(0x80 | ((code_point >> 6) & 0x3F)), put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18)), put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F)), put(0x80 | (code_point & 0x3F));
  }
  return out;
}

/// Reads `XXXX` at `at`, and a second `\uXXXX` where both together are a surrogate pair; -1 when it is broken. `at` moves behind.
std::int32_t take_unicode_escape(std::string_view raw, std::size_t& at) noexcept {
  const std::int32_t unit = read_hex(raw, at, 4);
  if (unit < 0) return -1;
  at += 4;
  if (unit < 0xD800 || unit >= 0xDC00 || raw.substr(at, 2) != "\\u") return unit;
  const std::int32_t low = read_hex(raw, at + 2, 4);
  if (low < 0xDC00 || low >= 0xE000) return unit;
  at += 6;
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

}  // namespace

char* unescape_to(std::string_view raw, char* out) noexcept {
  for (std::size_t at = 0; at < raw.size();) {
    const char* const backslash = skylark::detail::find_either<'\\'>(raw.data() + at, raw.data() + raw.size());
    const auto plain_end = static_cast<std::size_t>(backslash - raw.data());
    std::memcpy(out, raw.data() + at, plain_end - at);
    out += plain_end - at;
    if (plain_end == raw.size()) break;
    if (plain_end + 1 == raw.size()) return nullptr;
    const char escaped = raw[plain_end + 1];
    at = plain_end + 2;
    std::int32_t code_point = -1;
    switch (escaped) {
      case '"':
      case '\\':
      case '/':
      case '\'': code_point = escaped; break;
      case 'b': code_point = '\b'; break;
      case 'f':
      case 'F': code_point = '\f'; break;
      case 'n': code_point = '\n'; break;
      case 'r': code_point = '\r'; break;
      case 't': code_point = '\t'; break;
      case 'v': code_point = '\v'; break;
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7': code_point = escaped - '0'; break;
      case 'x': code_point = read_hex(raw, at, 2), at += 2; break;
      case 'u': code_point = take_unicode_escape(raw, at); break;
      default: break;
    }
    if (code_point < 0) return nullptr;
    out = write_utf8(out, static_cast<std::uint32_t>(code_point));
  }
  return out;
}

}  // namespace detail

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  const char* const end = text.data() + text.size();
  const char* plain = text.data();
  for (const char* at = plain; (at = skylark::detail::find_json_escape(at, end)) != end;) {
    const auto position = static_cast<std::size_t>(at - text.data());
    if (!needs_escape(text, position)) {
      ++at;  // 0xE2 of another character.
      continue;
    }
    out.append(plain, at);
    at += append_escape(out, text, position);
    plain = at;
  }
  out.append(plain, end);
  out += '"';
}

}  // namespace skylark::json
