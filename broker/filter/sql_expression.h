// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace skylark::broker {

/// A compiled SQL92 filter: asked for each message, over its property string as stored.
///
/// Operators: AND OR NOT, = <> > >= < <=, BETWEEN, IN, IS NULL, CONTAINS, STARTSWITH, ENDSWITH and their NOT forms; literals: 'text',
/// numbers, TRUE, FALSE, NULL. Three-valued: what compares with an absent property is unknown. A text that a number is compared with must
/// be a number; else the evaluation fails, and with it the match, whatever stands around it. Threads: any, also at once. Source: the module
/// `filter` of Java 5.3.3 (SelectorParser.java, ComparisonExpression.java and their like).
class SqlExpression {
 public:
  enum class Answer : std::uint8_t { no, yes, unknown, failed };

  /// Null when `text` is no expression; `error` then says why.
  [[nodiscard]] static std::shared_ptr<const SqlExpression> compile(std::string_view text, std::string& error);

  [[nodiscard]] Answer evaluate(std::string_view properties) const;
  /// True for `Answer::yes` alone.
  [[nodiscard]] bool matches(std::string_view properties) const { return evaluate(properties) == Answer::yes; }

  /// What an operand is.
  enum class Type : std::uint8_t { null, boolean, text, int32, int64, real, failed };
  struct Value {
    Type type = Type::null;
    bool truth = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string_view text;
  };
  enum class Kind : std::uint8_t {
    constant,
    property,
    negate,
    logical_not,
    boolean_cast,
    logical_and,
    logical_or,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    in,
    contains,
    starts_with,
    ends_with,
  };
  struct Node {
    Kind kind = Kind::constant;
    bool negated = false;    ///< Of IN, CONTAINS, STARTSWITH, ENDSWITH.
    std::int32_t left = -1;  ///< Numbers of other nodes.
    std::int32_t right = -1;
    std::int32_t depth = 1;
    Value value;                       ///< Of a constant.
    std::string text;                  ///< Name of a property, text of a constant, or what is searched.
    std::vector<std::string> choices;  ///< Of IN.
  };

  /// For the parser.
  SqlExpression(std::vector<Node> nodes, std::int32_t root) : nodes_(std::move(nodes)), root_(root) {}

 private:
  [[nodiscard]] Value evaluate(std::int32_t number, std::string_view properties) const;
  [[nodiscard]] Value evaluate_logic(const Node& node, std::string_view properties) const;
  [[nodiscard]] Value evaluate_comparison(const Node& node, std::string_view properties) const;
  [[nodiscard]] Value evaluate_text(const Node& node, std::string_view properties) const;

  const std::vector<Node> nodes_;
  const std::int32_t root_;
};

}  // namespace skylark::broker
