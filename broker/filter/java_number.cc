// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/java_number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace skylark::broker {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the sign off; true for minus.
bool take_sign(std::string_view& text) {
  if (text.empty() || (text[0] != '-' && text[0] != '+')) return false;
  const bool minus = text[0] == '-';
  text.remove_prefix(1);
  return minus;
}

std::optional<double> parse_digits(std::string_view text, std::chars_format format) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc()) return value;
  const std::string copy = (format == std::chars_format::hex ? "0x" : "") + std::string(text);
  return std::strtod(copy.c_str(), nullptr);  // Out of range: zero or infinity, as in Java.
}

}  // namespace

std::optional<std::int64_t> parse_java_integer(std::string_view text, std::int64_t min, std::int64_t max) {
  if (text.size() > 1 && text[0] == '+' && is_digit(text[1])) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) return std::nullopt;
  return value;
}

std::optional<double> parse_java_double(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  const bool minus = take_sign(text);
  std::optional<double> value;
  if (text == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (!text.empty() && (is_digit(text[0]) || text[0] == '.')) {
    if (const char last = text.back(); last == 'd' || last == 'D' || last == 'f' || last == 'F') {
      const bool hex_digit = (text.starts_with("0x") || text.starts_with("0X")) && text.find_first_of("pP") == std::string_view::npos;
      if (!hex_digit) text.remove_suffix(1);
    }
    if (text.starts_with("0x") || text.starts_with("0X")) {
      text.remove_prefix(2);
      if (text.find_first_of("pP") != std::string_view::npos) value = parse_digits(text, std::chars_format::hex);
    } else if (text.find_first_not_of("0123456789.eE+-") == std::string_view::npos) {
      value = parse_digits(text, std::chars_format::general);
    }
  }
  if (value && minus) value = -*value;
  return value;
}

int compare_java_doubles(double a, double b) noexcept {
  if (a < b) return -1;
  if (a > b) return 1;
  if (std::isnan(a) || std::isnan(b)) return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return static_cast<int>(std::signbit(b)) - static_cast<int>(std::signbit(a));
}

}  // namespace skylark::broker
