// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace skylark::broker {

/// What a filter expression consists of.
enum class SqlToken : std::uint8_t {
  end,
  broken,  ///< No token begins here.
  name,
  text,     ///< With its quotes.
  integer,  ///< May end with l or L.
  real,
  word_and,
  word_or,
  word_not,
  word_between,
  word_in,
  word_is,
  word_null,
  word_true,
  word_false,
  word_contains,
  word_starts_with,
  word_ends_with,
  equal,
  not_equal,
  greater,
  greater_equal,
  less,
  less_equal,
  open,
  close,
  comma,
  plus,
  minus,
};

/// Takes a filter expression apart, always the longest token that fits. White space, `--` comments up to the end of their line and
/// `/* */` comments lie between tokens. Source: SelectorParser.jj.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view text) : text_(text) {}

  struct Taken {
    SqlToken token = SqlToken::end;
    std::string_view text;
    std::size_t position = 0;
  };
  [[nodiscard]] Taken next();

 private:
  void skip();
  [[nodiscard]] std::size_t number_size(bool& real) const;
  [[nodiscard]] char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace skylark::broker
