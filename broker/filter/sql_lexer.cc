// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/sql_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

namespace skylark::broker {
namespace {

constexpr std::array<std::pair<std::string_view, SqlToken>, 12> kWords{{{"AND", SqlToken::word_and},
                                                                        {"OR", SqlToken::word_or},
                                                                        {"NOT", SqlToken::word_not},
                                                                        {"BETWEEN", SqlToken::word_between},
                                                                        {"IN", SqlToken::word_in},
                                                                        {"IS", SqlToken::word_is},
                                                                        {"NULL", SqlToken::word_null},
                                                                        {"TRUE", SqlToken::word_true},
                                                                        {"FALSE", SqlToken::word_false},
                                                                        {"CONTAINS", SqlToken::word_contains},
                                                                        {"STARTSWITH", SqlToken::word_starts_with},
                                                                        {"ENDSWITH", SqlToken::word_ends_with}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

SqlToken word_or_name(std::string_view text) {
  for (const auto& [word, token] : kWords) {
    if (std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) { return upper(a) == b; })) return token;
  }
  return SqlToken::name;
}

}  // namespace

void SqlLexer::skip() {
  for (;;) {
    const char c = peek();
    if (at_ < text_.size() && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')) {
      ++at_;
    } else if (c == '-' && peek(1) == '-') {
      const std::size_t end = text_.find_first_of("\r\n", at_);
      if (end == std::string_view::npos) return;  // A comment needs its end of line; without one these are two signs.
      at_ = end + 1;
    } else if (c == '/' && peek(1) == '*') {
      const std::size_t end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) return;
      at_ = end + 2;
    } else {
      return;
    }
  }
}

/// Length of the number that begins here, 0 for none; `real` for one with a point or an exponent.
std::size_t SqlLexer::number_size(bool& real) const {
  std::size_t size = 0;
  const auto take_digits = [&] {
    const std::size_t before = size;
    while (is_digit(peek(size))) ++size;
    return size > before;
  };
  const auto take_exponent = [&] {
    std::size_t digits = size + 1;
    if (upper(peek(size)) != 'E') return false;
    if (peek(digits) == '+' || peek(digits) == '-') ++digits;
    if (!is_digit(peek(digits))) return false;
    size = digits;
    return take_digits();
  };
  const bool whole = take_digits();
  if (peek(size) == '.' && (whole || is_digit(peek(size + 1)))) {
    ++size;
    (void)take_digits();
    (void)take_exponent();
    real = true;
    return size;
  }
  if (!whole) return 0;
  if (take_exponent()) {
    real = true;
    return size;
  }
  if (peek() == '0') return 1;  // A leading zero is a number of its own.
  return upper(peek(size)) == 'L' ? size + 1 : size;
}

SqlLexer::Taken SqlLexer::next() {
  skip();
  Taken taken{.token = SqlToken::end, .text = {}, .position = at_};
  if (at_ >= text_.size()) return taken;
  std::size_t size = 1;
  bool real = false;
  const char c = peek();
  if (begins_name(c)) {
    while (begins_name(peek(size)) || is_digit(peek(size))) ++size;
    taken.token = word_or_name(text_.substr(at_, size));
  } else if (const std::size_t digits = number_size(real); digits > 0) {
    size = digits;
    taken.token = real ? SqlToken::real : SqlToken::integer;
  } else if (c == '\'') {
    taken.token = SqlToken::broken;  // Until the quote that ends it; a doubled one does not.
    for (std::size_t at = at_ + 1; at < text_.size(); ++at) {
      if (text_[at] != '\'') continue;
      size = at - at_ + 1;
      taken.token = SqlToken::text;
      if (at + 1 >= text_.size() || text_[at + 1] != '\'') break;
      ++at;
    }
  } else {
    switch (c) {
      case '=': taken.token = SqlToken::equal; break;
      case '(': taken.token = SqlToken::open; break;
      case ')': taken.token = SqlToken::close; break;
      case ',': taken.token = SqlToken::comma; break;
      case '+': taken.token = SqlToken::plus; break;
      case '-': taken.token = SqlToken::minus; break;
      case '>':
        size = peek(1) == '=' ? 2 : 1;
        taken.token = size == 2 ? SqlToken::greater_equal : SqlToken::greater;
        break;
      case '<':
        size = peek(1) == '=' || peek(1) == '>' ? 2 : 1;
        taken.token = size == 1 ? SqlToken::less : peek(1) == '=' ? SqlToken::less_equal : SqlToken::not_equal;
        break;
      default: taken.token = SqlToken::broken; break;
    }
  }
  taken.text = text_.substr(at_, size);
  at_ += size;
  return taken;
}

}  // namespace skylark::broker
