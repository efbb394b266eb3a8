// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>

#include "protocol/json.h"

namespace skylark::json {
namespace {

void append_integer(std::string& out, std::int64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
}

/// The shortest digits that read back to the same value, laid out as Double.toString: `0.0`, `1.5`, `1.0E10`.
void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char text[40];
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-3 && size < 1e7);
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, plain ? std::chars_format::fixed : std::chars_format::scientific);
  const std::string_view digits(text, static_cast<std::size_t>(end - text));
  const std::size_t mantissa_end = std::min(digits.find('e'), digits.size());
  out.append(digits, 0, mantissa_end);
  if (digits.substr(0, mantissa_end).find('.') == std::string_view::npos) out += ".0";
  if (mantissa_end == digits.size()) return;
  std::string_view exponent = digits.substr(mantissa_end + 1);  // `+07`, `-05`
  out += 'E';
  if (exponent.front() == '-') out += '-';
  exponent.remove_prefix(1);
  while (exponent.size() > 1 && exponent.front() == '0') exponent.remove_prefix(1);
  out += exponent;
}

class Writer {
 public:
  Writer(IntegerKeys integer_keys, bool pretty) noexcept : integer_keys_(integer_keys), pretty_(pretty) {}

  void append(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value.storage())) return append_quoted(out_, *text);
    if (const auto* integer = std::get_if<std::int64_t>(&value.storage())) return append_integer(out_, *integer);
    if (const auto* boolean = std::get_if<bool>(&value.storage())) return void(out_ += *boolean ? "true" : "false");
    if (const auto* real = std::get_if<double>(&value.storage())) return append_double(out_, *real);
    if (const auto* object = std::get_if<Object>(&value.storage())) return append_object(*object);
    if (const auto* array = std::get_if<Array>(&value.storage())) return append_array(*array);
    out_ += "null";
  }
  std::string take() { return std::move(out_); }

 private:
  void append_object(const Object& members) {
    out_ += '{';
    ++depth_;
    bool first = true;
    for (const auto& [key, value] : members) {
      if (!first) out_ += ',';
      first = false;
      if (key.is_string()) new_line();
      append_key(key);
      out_ += ':';
      append(value);
    }
    --depth_;
    if (!members.empty()) new_line();
    out_ += '}';
  }

  void append_array(const Array& items) {
    out_ += '[';
    bool first = true;
    for (const Value& item : items) {
      if (!first) out_ += ',';
      first = false;
      append(item);
    }
    out_ += ']';
  }

  void append_key(const Value& key) {
    const bool quote = integer_keys_ == IntegerKeys::quoted && std::holds_alternative<std::int64_t>(key.storage());
    if (quote) out_ += '"';
    append(key);
    if (quote) out_ += '"';
  }

  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(depth_, '\t');
  }

  std::string out_;
  std::size_t depth_ = 0;
  IntegerKeys integer_keys_;
  bool pretty_;
};

}  // namespace

std::string write(const Value& value, IntegerKeys integer_keys) {
  Writer writer(integer_keys, false);
  writer.append(value);
  return writer.take();
}

std::string write_pretty(const Value& value) {
  Writer writer(IntegerKeys::bare, true);
  writer.append(value);
  return writer.take();
}

}  // namespace skylark::json
