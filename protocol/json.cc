// SPDX-License-Identifier: Apache-2.0
#include "protocol/json.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "protocol/detail/json_text.h"

namespace skylark::json {
namespace {

const Value kNull;
const Array kNoItems;
const Object kNoMembers;

/// A number of JSON with an optional leading plus: an integer where it fits into 64 bits and has no fraction, else a double.
bool read_number(std::string_view text, Value& into) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty()) return false;
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, integer); error == std::errc{} && stop == end) {
    into = Value(integer);
    return true;
  }
  double real = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, real);
  if (error == std::errc::result_out_of_range) real = 0;
  if ((error != std::errc{} && error != std::errc::result_out_of_range) || stop != end) return false;
  into = Value(real);
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view text) noexcept : text_(text) {}

  bool parse_document(Value& into) {
    if (!parse_value(into, 0)) return false;
    skip_space();
    return at_ == text_.size();
  }

 private:
  static constexpr int kDepthMax = 64;

  void skip_space() noexcept {
    while (at_ < text_.size() && detail::is_space(text_[at_])) ++at_;
  }
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) noexcept {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool parse_value(Value& into, int depth) {
    skip_space();
    if (depth > kDepthMax || at_ == text_.size()) return false;
    const char c = text_[at_];
    if (c == '{') return parse_object(into, depth);
    if (c == '[') return parse_array(into, depth);
    if (c == '"' || c == '\'') return parse_string(into);
    if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) return parse_number(into);
    return parse_word(into);
  }

  bool parse_object(Value& into, int depth) {
    ++at_;
    Object members;
    while (!take('}')) {
      Value key, value;
      if (!parse_key(key, depth + 1) || !take(':') || !parse_value(value, depth + 1)) return false;
      members.emplace_back(std::move(key), std::move(value));
      if (!take(',') && (skip_space(), peek() != '}')) return false;
    }
    into = Value(std::move(members));
    return true;
  }

  bool parse_array(Value& into, int depth) {
    ++at_;
    Array items;
    while (!take(']')) {
      Value item;
      if (!parse_value(item, depth + 1)) return false;
      items.push_back(std::move(item));
      if (!take(',') && (skip_space(), peek() != ']')) return false;
    }
    into = Value(std::move(items));
    return true;
  }

  /// A key is any value; a bare word stands for itself, also where it spells `true` or `null`.
  bool parse_key(Value& into, int depth) {
    skip_space();
    const char c = peek();
    if (!detail::is_name_character(c) || (c >= '0' && c <= '9')) return parse_value(into, depth);
    into = Value(take_word());
    return true;
  }

  bool parse_string(Value& into) {
    bool has_escape = false;
    const char* const begin = text_.data() + at_ + 1;
    const char* const text_end = text_.data() + text_.size();
    const char* const end = detail::find_closing_quote(begin, text_end, text_[at_], has_escape);
    if (end == text_end) return false;
    const std::string_view raw(begin, end);
    at_ = static_cast<std::size_t>(end + 1 - text_.data());
    if (!has_escape) {
      into = Value(raw);
      return true;
    }
    std::string plain(raw.size(), '\0');
    const char* end_of_plain = detail::unescape_to(raw, plain.data());
    if (end_of_plain == nullptr) return false;
    plain.resize(static_cast<std::size_t>(end_of_plain - plain.data()));
    into = Value(std::move(plain));
    return true;
  }

  bool parse_number(Value& into) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && detail::is_number_character(text_[at_])) ++at_;
    return read_number(text_.substr(begin, at_ - begin), into);
  }

  bool parse_word(Value& into) {
    const std::string_view word = take_word();
    if (word == "true" || word == "false") {
      into = Value(word == "true");
    } else if (word == "null" || word == "NaN" || word == "undefined") {
      into = Value(nullptr);
    } else {
      return false;
    }
    return true;
  }

  std::string_view take_word() noexcept {
    const std::size_t begin = at_;
    while (at_ < text_.size() && detail::is_name_character(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::int64_t Value::as_integer(std::int64_t fallback) const noexcept {
  if (const auto* integer = std::get_if<std::int64_t>(&storage_)) return *integer;
  if (const auto* boolean = std::get_if<bool>(&storage_)) return *boolean ? 1 : 0;
  if (const auto* real = std::get_if<double>(&storage_)) {
    constexpr double kBound = 9223372036854775808.0;  // 2^63
    return *real >= -kBound && *real < kBound ? static_cast<std::int64_t>(*real) : fallback;
  }
  if (const auto* text = std::get_if<std::string>(&storage_)) {
    std::int64_t value = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error == std::errc{} && stop == end) return value;
  }
  return fallback;
}

std::int32_t Value::as_int32(std::int32_t fallback) const noexcept {
  const std::int64_t value = as_integer(fallback);
  const bool fits = value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
  return fits ? static_cast<std::int32_t>(value) : fallback;
}

double Value::as_double(double fallback) const noexcept {
  if (const auto* real = std::get_if<double>(&storage_)) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(&storage_)) return static_cast<double>(*integer);
  if (const auto* text = std::get_if<std::string>(&storage_)) {
    double value = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error == std::errc{} && stop == end) return value;
  }
  return fallback;
}

bool Value::as_boolean(bool fallback) const noexcept {
  if (const auto* boolean = std::get_if<bool>(&storage_)) return *boolean;
  if (const auto* integer = std::get_if<std::int64_t>(&storage_)) return *integer == 1;
  if (const auto* text = std::get_if<std::string>(&storage_)) {
    if (*text == "true" || *text == "1" || *text == "TRUE") return true;
    if (*text == "false" || *text == "0" || *text == "FALSE") return false;
  }
  return fallback;
}

std::string Value::as_string(std::string_view fallback) const {
  if (const auto* text = std::get_if<std::string>(&storage_)) return *text;
  if (is_null()) return std::string(fallback);
  return write(*this);
}

const Value& Value::operator[](std::string_view key) const noexcept {
  const Object& all = members();
  for (auto member = all.rbegin(); member != all.rend(); ++member) {
    const auto* name = std::get_if<std::string>(&member->first.storage_);
    if (name != nullptr && *name == key) return member->second;
  }
  return kNull;
}

bool Value::contains(std::string_view key) const noexcept { return &(*this)[key] != &kNull; }

const Array& Value::items() const noexcept {
  const auto* array = std::get_if<Array>(&storage_);
  return array != nullptr ? *array : kNoItems;
}

const Object& Value::members() const noexcept {
  const auto* object = std::get_if<Object>(&storage_);
  return object != nullptr ? *object : kNoMembers;
}

void Value::set(Value key, Value value) {
  if (!is_object()) storage_ = Object{};
  std::get<Object>(storage_).emplace_back(std::move(key), std::move(value));
}

void Value::push(Value item) {
  if (!is_array()) storage_ = Array{};
  std::get<Array>(storage_).push_back(std::move(item));
}

Result<Value> parse(std::string_view text) {
  Value value;
  if (!Parser(text).parse_document(value)) return make_error_code(Errc::malformed);
  return value;
}

}  // namespace skylark::json
