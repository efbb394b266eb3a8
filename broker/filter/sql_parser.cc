// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "broker/filter/java_number.h"
#include "broker/filter/sql_expression.h"
#include "broker/filter/sql_lexer.h"

namespace skylark::broker {
namespace {

using Kind = SqlExpression::Kind;
using Node = SqlExpression::Node;
using Type = SqlExpression::Type;

constexpr std::int32_t kDepthMax = 1'000;  // Of nodes and of parentheses: parsing and evaluating go that deep on the stack.

/// Why a text is no expression. Does not leave this file.
struct Refused {
  std::string reason;
};

/// Text between its quotes; of two quotes one remains.
std::string unquoted(std::string_view token) {
  std::string text;
  for (std::size_t i = 1; i + 1 < token.size(); ++i) {
    text += token[i];
    if (token[i] == '\'') ++i;
  }
  return text;
}

/// Recursive descent over the grammar of SelectorParser.jj, one token ahead; two where NOT or IS begins something. As Java's it does not
/// ask for the end of the text: what stands behind a whole expression is not read, except for its first token.
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text), ahead_(lexer_.next()) { check_token(); }

  std::shared_ptr<const SqlExpression> parse() {
    const std::int32_t root = as_boolean(parse_or());
    return std::make_shared<const SqlExpression>(std::move(nodes_), root);
  }

 private:
  [[noreturn]] void refuse(std::string_view wanted) const {
    throw Refused{fmt::format("{} expected at position {}, not '{}'", wanted, ahead_.position + 1, ahead_.text)};
  }
  void check_token() const {
    if (ahead_.token == SqlToken::broken) refuse("a name, a value or an operator");
  }
  SqlLexer::Taken take() {
    const SqlLexer::Taken taken = ahead_;
    ahead_ = lexer_.next();
    check_token();
    return taken;
  }
  bool take_if(SqlToken token) {
    if (ahead_.token != token) return false;
    take();
    return true;
  }
  SqlLexer::Taken expect(SqlToken token, std::string_view name) {
    if (ahead_.token != token) refuse(name);
    return take();
  }

  std::int32_t add(Node node) {
    for (const std::int32_t child : {node.left, node.right}) {
      if (child >= 0) node.depth = std::max(node.depth, at(child).depth + 1);
    }
    if (node.depth > kDepthMax) throw Refused{"the expression is too deep"};
    nodes_.push_back(std::move(node));
    return static_cast<std::int32_t>(nodes_.size()) - 1;
  }
  std::int32_t add(Kind kind, std::int32_t left, std::int32_t right = -1) {
    Node node;
    node.kind = kind;
    node.left = left;
    node.right = right;
    return add(std::move(node));
  }
  std::int32_t add_constant(SqlExpression::Value value, std::string text = {}) {
    Node node;
    node.value = value;
    node.text = std::move(text);
    return add(std::move(node));
  }
  std::int32_t add_boolean(Type type, bool truth) {
    SqlExpression::Value value;
    value.type = type;
    value.truth = truth;
    return add_constant(value);
  }
  [[nodiscard]] const Node& at(std::int32_t number) const { return nodes_[static_cast<std::size_t>(number)]; }

  [[nodiscard]] bool is_constant(std::int32_t number) const { return at(number).kind == Kind::constant; }
  [[nodiscard]] bool is_boolean(std::int32_t number) const {
    const Node& node = at(number);
    if (node.kind == Kind::constant) return node.value.type == Type::boolean || node.value.type == Type::null;
    return node.kind != Kind::property && node.kind != Kind::negate;
  }
  std::int32_t as_boolean(std::int32_t number) {
    if (is_boolean(number)) return number;
    if (at(number).kind == Kind::property) return add(Kind::boolean_cast, number);
    throw Refused{"a value stands where something true or false is wanted"};
  }

  std::int32_t parse_or() {
    std::int32_t left = parse_and();
    while (take_if(SqlToken::word_or)) {
      const std::int32_t right = parse_and();
      left = add_logic(Kind::logical_or, left, right);
    }
    return left;
  }
  std::int32_t parse_and() {
    std::int32_t left = parse_equality();
    while (take_if(SqlToken::word_and)) {
      const std::int32_t right = parse_equality();
      left = add_logic(Kind::logical_and, left, right);
    }
    return left;
  }
  std::int32_t add_logic(Kind kind, std::int32_t left, std::int32_t right) {
    const std::int32_t first = as_boolean(left);
    return add(kind, first, as_boolean(right));
  }

  std::int32_t parse_equality() {
    std::int32_t left = parse_comparison();
    for (;;) {
      if (take_if(SqlToken::equal)) {
        left = add_equal(left, parse_comparison());
      } else if (take_if(SqlToken::not_equal)) {
        left = add(Kind::logical_not, add_equal(left, parse_comparison()));
      } else if (take_if(SqlToken::word_is)) {
        const bool negated = take_if(SqlToken::word_not);
        expect(SqlToken::word_null, "NULL");
        left = add(Kind::equal, left, add_boolean(Type::null, false));
        if (negated) left = add(Kind::logical_not, left);
      } else {
        return left;
      }
    }
  }
  std::int32_t add_equal(std::int32_t left, std::int32_t right) {
    for (const std::int32_t side : {left, right}) {
      if (is_constant(side) && at(side).value.type == Type::null) throw Refused{"NULL cannot be compared; IS NULL is meant"};
    }
    if (is_constant(left) && is_constant(right) && is_boolean(left) && !is_boolean(right)) throw Refused{"TRUE or FALSE is no other value"};
    return add(Kind::equal, left, right);
  }

  std::int32_t parse_comparison() {
    std::int32_t left = parse_unary();
    for (;;) {
      switch (ahead_.token) {
        case SqlToken::greater: left = parse_order(Kind::greater, left); continue;
        case SqlToken::greater_equal: left = parse_order(Kind::greater_equal, left); continue;
        case SqlToken::less: left = parse_order(Kind::less, left); continue;
        case SqlToken::less_equal: left = parse_order(Kind::less_equal, left); continue;
        case SqlToken::word_not:
          take();
          left = parse_predicate(left, true);
          continue;
        case SqlToken::word_contains:
        case SqlToken::word_starts_with:
        case SqlToken::word_ends_with:
        case SqlToken::word_between:
        case SqlToken::word_in: left = parse_predicate(left, false); continue;
        default: return left;
      }
    }
  }
  std::int32_t parse_order(Kind kind, std::int32_t left) {
    take();
    return add_order(kind, left, parse_unary());
  }
  std::int32_t add_order(Kind kind, std::int32_t left, std::int32_t right) {
    for (const std::int32_t side : {left, right}) {
      const Type type = at(side).value.type;
      const bool number = type == Type::int32 || type == Type::int64 || type == Type::real;
      if (is_constant(side) ? !number : is_boolean(side)) throw Refused{"only numbers have an order"};
    }
    return add(kind, left, right);
  }

  std::int32_t parse_predicate(std::int32_t left, bool negated) {
    switch (ahead_.token) {
      case SqlToken::word_contains: return parse_search(Kind::contains, left, negated);
      case SqlToken::word_starts_with: return parse_search(Kind::starts_with, left, negated);
      case SqlToken::word_ends_with: return parse_search(Kind::ends_with, left, negated);
      case SqlToken::word_between: return parse_between(left, negated);
      case SqlToken::word_in: return parse_in(left, negated);
      default: refuse("CONTAINS, STARTSWITH, ENDSWITH, BETWEEN or IN");
    }
  }
  std::int32_t parse_search(Kind kind, std::int32_t left, bool negated) {
    take();
    Node node;
    node.kind = kind;
    node.left = left;
    node.negated = negated;
    node.text = unquoted(expect(SqlToken::text, "a text in quotes").text);
    return add(std::move(node));
  }
  std::int32_t parse_between(std::int32_t value, bool negated) {
    take();
    const std::int32_t low = parse_unary();
    expect(SqlToken::word_and, "AND");
    const std::int32_t high = parse_unary();
    if (negated) {
      const std::int32_t below = add_order(Kind::less, value, low);
      return add(Kind::logical_or, below, add_order(Kind::greater, value, high));
    }
    const std::int32_t above = add_order(Kind::greater_equal, value, low);
    const std::int32_t both = add(Kind::logical_and, above, add_order(Kind::less_equal, value, high));
    if (is_constant(low) && is_constant(high)) {
      const SqlExpression in_order(nodes_, add(Kind::less_equal, low, high));
      if (in_order.evaluate({}) == SqlExpression::Answer::no) throw Refused{"the first value of BETWEEN is above the second"};
    }
    return both;
  }
  std::int32_t parse_in(std::int32_t left, bool negated) {
    take();
    Node node;
    node.kind = Kind::in;
    node.left = left;
    node.negated = negated;
    expect(SqlToken::open, "(");
    do {
      node.choices.push_back(unquoted(expect(SqlToken::text, "a text in quotes").text));
    } while (take_if(SqlToken::comma));
    expect(SqlToken::close, ")");
    if (at(left).kind != Kind::property) throw Refused{"IN wants the name of a property before it"};
    return add(std::move(node));
  }

  std::int32_t parse_unary() {
    const Nested nested(nesting_);
    if (take_if(SqlToken::plus)) return parse_unary();
    if (take_if(SqlToken::minus)) return add(Kind::negate, parse_unary());
    if (take_if(SqlToken::word_not)) return add(Kind::logical_not, as_boolean(parse_unary()));
    return parse_primary();
  }

  std::int32_t parse_primary() {
    switch (ahead_.token) {
      case SqlToken::text: return add_text();
      case SqlToken::integer: return add_integer(take().text);
      case SqlToken::real: return add_real(take().text);
      case SqlToken::word_true: take(); return add_boolean(Type::boolean, true);
      case SqlToken::word_false: take(); return add_boolean(Type::boolean, false);
      case SqlToken::word_null: take(); return add_boolean(Type::null, false);
      case SqlToken::name: {
        Node node;
        node.kind = Kind::property;
        node.text = std::string(take().text);
        return add(std::move(node));
      }
      case SqlToken::open: {
        take();
        const std::int32_t inner = parse_or();
        expect(SqlToken::close, ")");
        return inner;
      }
      default: refuse("a name or a value");
    }
  }
  std::int32_t add_text() {
    SqlExpression::Value value;
    value.type = Type::text;
    return add_constant(value, unquoted(take().text));
  }
  std::int32_t add_integer(std::string_view digits) {
    if (digits.back() == 'l' || digits.back() == 'L') digits.remove_suffix(1);
    const auto number = parse_java_integer(digits, 0, std::numeric_limits<std::int64_t>::max());
    if (!number) throw Refused{fmt::format("{} is too large a number", digits)};
    SqlExpression::Value value;
    value.type = *number <= std::numeric_limits<std::int32_t>::max() ? Type::int32 : Type::int64;
    value.integer = *number;
    return add_constant(value);
  }
  std::int32_t add_real(std::string_view text) {
    const auto number = parse_java_double(text);
    SqlExpression::Value value;
    value.type = Type::real;
    value.real = number.value_or(0);
    // Java takes the least positive number for the least of all, so 0.0 is refused.
    if (value.real < std::numeric_limits<double>::denorm_min() || value.real > std::numeric_limits<double>::max()) {
      throw Refused{fmt::format("{} is out of the range of numbers", text)};
    }
    return add_constant(value);
  }

  /// Bounds how deep parentheses and signs may nest.
  class Nested {
   public:
    explicit Nested(std::int32_t& depth) : depth_(depth) {
      if (++depth_ > kDepthMax) throw Refused{"the expression is too deep"};
    }
    ~Nested() { --depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    std::int32_t& depth_;
  };

  SqlLexer lexer_;
  SqlLexer::Taken ahead_;
  std::vector<Node> nodes_;
  std::int32_t nesting_ = 0;
};

}  // namespace

std::shared_ptr<const SqlExpression> SqlExpression::compile(std::string_view text, std::string& error) {
  try {
    return Parser(text).parse();
  } catch (const Refused& refused) {
    error = "Invalid MessageSelector: " + refused.reason;
    return nullptr;
  }
}

}  // namespace skylark::broker
