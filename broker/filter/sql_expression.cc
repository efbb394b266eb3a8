// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/sql_expression.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "broker/filter/java_number.h"
#include "protocol/message.h"

namespace skylark::broker {
namespace {

using Value = SqlExpression::Value;
using Type = SqlExpression::Type;
using Kind = SqlExpression::Kind;

Value truth(bool value) {
  Value result;
  result.type = Type::boolean;
  result.truth = value;
  return result;
}

Value failed() {
  Value result;
  result.type = Type::failed;
  return result;
}

bool is_integer(Type type) { return type == Type::int32 || type == Type::int64; }

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : static_cast<int>(b < a);
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; });
}

/// The text as a value of that number's type; empty when it is none.
std::optional<Value> to_number(std::string_view text, Type type) {
  Value value;
  value.type = type;
  if (type == Type::real) {
    const auto real = parse_java_double(text);
    if (!real) return std::nullopt;
    value.real = *real;
    return value;
  }
  const bool small = type == Type::int32;
  const auto integer = parse_java_integer(text, small ? std::numeric_limits<std::int32_t>::min() : std::numeric_limits<std::int64_t>::min(),
                                          small ? std::numeric_limits<std::int32_t>::max() : std::numeric_limits<std::int64_t>::max());
  if (!integer) return std::nullopt;
  value.integer = *integer;
  return value;
}

/// How two values that are there compare; empty when they cannot. A text becomes what it is compared with; a boolean and a number are never
/// equal, the left one is taken to be less.
std::optional<int> compare(const Value& left, const Value& right) {
  if (left.type == Type::text && right.type == Type::text) return order(left.text, right.text);
  if (left.type == Type::boolean && right.type == Type::boolean) return order(left.truth, right.truth);
  if (left.type == Type::boolean) return right.type == Type::text ? std::nullopt : std::optional<int>(-1);  // Java fails on such a cast.
  if (left.type == Type::text && right.type == Type::boolean) return order(equals_ignoring_case(left.text, "true"), right.truth);
  if (right.type == Type::boolean) return -1;
  if (left.type == Type::text) {
    const auto number = to_number(left.text, right.type);
    return number ? compare(*number, right) : std::nullopt;
  }
  if (right.type == Type::text) {
    const auto number = to_number(right.text, left.type);
    return number ? compare(left, *number) : std::nullopt;
  }
  if (is_integer(left.type) && is_integer(right.type)) return order(left.integer, right.integer);
  const double a = left.type == Type::real ? left.real : static_cast<double>(left.integer);
  const double b = right.type == Type::real ? right.real : static_cast<double>(right.integer);
  return compare_java_doubles(a, b);
}

bool holds(Kind kind, int answer) {
  switch (kind) {
    case Kind::equal: return answer == 0;
    case Kind::greater: return answer > 0;
    case Kind::greater_equal: return answer >= 0;
    case Kind::less: return answer < 0;
    case Kind::less_equal: return answer <= 0;
    default: return false;
  }
}

Value negated(Value value) {
  switch (value.type) {
    case Type::int32: value.integer = static_cast<std::int32_t>(-value.integer); return value;
    case Type::int64: value.integer = -value.integer; return value;
    case Type::real: value.real = -value.real; return value;
    case Type::failed: return value;
    default: return {};  // Neither a text nor a boolean can be negated.
  }
}

}  // namespace

SqlExpression::Answer SqlExpression::evaluate(std::string_view properties) const {
  const Value value = evaluate(root_, properties);
  switch (value.type) {
    case Type::boolean: return value.truth ? Answer::yes : Answer::no;
    case Type::null: return Answer::unknown;
    default: return Answer::failed;
  }
}

Value SqlExpression::evaluate(std::int32_t number, std::string_view properties) const {
  const Node& node = nodes_[static_cast<std::size_t>(number)];
  switch (node.kind) {
    case Kind::constant: {
      Value value = node.value;
      value.text = node.text;
      return value;
    }
    case Kind::property: {
      const auto found = find_property(properties, node.text);
      Value value;
      if (found) {
        value.type = Type::text;
        value.text = *found;
      }
      return value;
    }
    case Kind::negate: return negated(evaluate(node.left, properties));
    case Kind::logical_not:
    case Kind::boolean_cast:
    case Kind::logical_and:
    case Kind::logical_or: return evaluate_logic(node, properties);
    case Kind::equal:
    case Kind::greater:
    case Kind::greater_equal:
    case Kind::less:
    case Kind::less_equal: return evaluate_comparison(node, properties);
    case Kind::in:
    case Kind::contains:
    case Kind::starts_with:
    case Kind::ends_with: return evaluate_text(node, properties);
  }
  return failed();
}

Value SqlExpression::evaluate_logic(const Node& node, std::string_view properties) const {
  const Value left = evaluate(node.left, properties);
  if (left.type == Type::failed) return left;
  if (node.kind == Kind::logical_not) return left.type == Type::null ? left : truth(!left.truth);
  if (node.kind == Kind::boolean_cast) return left.type == Type::null ? left : truth(false);  // A property is a text, never a boolean.
  const bool deciding = node.kind == Kind::logical_or;  // This value of one side is the answer, whatever the other one is.
  if (left.type == Type::boolean && left.truth == deciding) return left;
  const Value right = evaluate(node.right, properties);
  if (right.type == Type::failed) return right;
  if (right.type == Type::boolean && right.truth == deciding) return right;
  if (left.type == Type::null || right.type == Type::null) return {};
  return truth(!deciding);
}

Value SqlExpression::evaluate_comparison(const Node& node, std::string_view properties) const {
  const Value left = evaluate(node.left, properties);
  if (left.type == Type::failed) return left;
  if (node.kind != Kind::equal && left.type == Type::null) return left;
  const Value right = evaluate(node.right, properties);
  if (right.type == Type::failed) return right;
  if (node.kind == Kind::equal) {
    if (left.type == Type::null) return right.type == Type::null ? truth(true) : left;
    if (right.type == Type::null) return truth(false);
  } else {
    if (right.type == Type::null) return right;
    if (left.type == Type::text && right.type == Type::text) {  // Texts have no order: both must be numbers.
      const auto a = parse_java_double(left.text);
      const auto b = parse_java_double(right.text);
      return a && b ? truth(holds(node.kind, compare_java_doubles(*a, *b))) : failed();
    }
  }
  const auto answer = compare(left, right);
  return answer ? truth(holds(node.kind, *answer)) : failed();
}

Value SqlExpression::evaluate_text(const Node& node, std::string_view properties) const {
  if (node.kind == Kind::in) {
    const Value value = evaluate(node.left, properties);
    if (value.type == Type::null) return value;
    const bool listed = std::find(node.choices.begin(), node.choices.end(), value.text) != node.choices.end();
    return truth(listed != node.negated);
  }
  if (node.text.empty()) return truth(false);  // Of both forms: nothing is searched.
  const Value value = evaluate(node.left, properties);
  if (value.type == Type::failed) return value;
  if (value.type != Type::text) return truth(false);
  bool found = false;
  if (node.kind == Kind::contains) found = value.text.find(node.text) != std::string_view::npos;
  if (node.kind == Kind::starts_with) found = value.text.starts_with(node.text);
  if (node.kind == Kind::ends_with) found = value.text.ends_with(node.text);
  return truth(found != node.negated);
}

}  // namespace skylark::broker
