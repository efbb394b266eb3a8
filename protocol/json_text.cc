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

/// Value of `kCount` hex digits at `at`, or -1.
template <int kCount>
std::int32_t read_hex(const char* at, const char* end) noexcept {
  if (end - at < kCount) return -1;
  const auto digit = [at](int i) { return int{kHexValues[static_cast<unsigned char>(at[i])]}; };
  std::int32_t value = 0;  // Negative, and so it stays, when one of them is no digit.
  if constexpr (kCount == 4) value = digit(0) * 0x1000 | digit(1) * 0x100;
  value |= digit(kCount - 2) * 0x10 | digit(kCount - 1);
  return value < 0 ? -1 : value;
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
std::int32_t take_unicode_escape(const char*& at, const char* end) noexcept {
  const std::int32_t unit = read_hex<4>(at, end);
  if (unit < 0) return -1;
  at += 4;
  if (unit < 0xD800 || unit >= 0xDC00 || end - at < 2 || at[0] != '\\' || at[1] != 'u') return unit;
  const std::int32_t low = read_hex<4>(at + 2, end);
  if (low < 0xDC00 || low >= 0xE000) return unit;
  at += 6;
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/// Writes what the escape whose letter is at `at` stands for, and returns where the text goes on; null when it is unknown or cut short.
const char* take_escape(const char* at, const char* end, char*& out) noexcept {
  if (at == end) return nullptr;
  const char escaped = *at++;
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
    case 'x': code_point = read_hex<2>(at, end), at += 2; break;
    case 'u': code_point = take_unicode_escape(at, end); break;
    default: break;
  }
  if (code_point < 0) return nullptr;
  out = write_utf8(out, static_cast<std::uint32_t>(code_point));
  return at;
}

constexpr std::ptrdiff_t kUnicodeEscapeSize = 6;

/// What `\u0000` to `\u007F` stands for; negative when something else is at `at`.
int ascii_escape(const char* at, const char* end) noexcept {
  if (end - at < kUnicodeEscapeSize || std::memcmp(at, "\\u00", 4) != 0) return -1;
  const int code = read_hex<2>(at + 4, end);
  return code < 0x80 ? code : -1;
}

/// Copies [at, end) up to its first backslash to `out`, which has room for all of it, and returns where that is, or `end`.
const char* copy_until_backslash(const char* at, const char* end, char* out) noexcept {
#ifdef __SSE2__
  for (; end - at >= skylark::detail::kScanWidth; at += skylark::detail::kScanWidth, out += skylark::detail::kScanWidth) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    if (mask != 0) return at + std::countr_zero(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && *at != '\\') *out++ = *at++;
  return at;
}

}  // namespace

char* unescape_to(std::string_view raw, char* out) noexcept {
  const char* const end = raw.data() + raw.size();
  for (const char* at = raw.data(); at != end;) {
    const char* const backslash = copy_until_backslash(at, end, out);
    out += backslash - at;
    if (backslash == end) break;
    if (const int code = ascii_escape(backslash, end); code >= 0) {  // The marks of message properties, eight in a send.
      *out++ = static_cast<char>(code);
      at = backslash + kUnicodeEscapeSize;
      continue;
    }
    at = take_escape(backslash + 1, end, out);
    if (at == nullptr) return nullptr;
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
