// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/sql_expression.h"

#include "broker/filter/java_number.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

bool compiles(const std::string& text) {
  std::string error;
  return SqlExpression::compile(text, error) != nullptr;
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("an expression that cannot be read says where", "[broker][filter]") {
  std::string error;
  CHECK_FALSE(SqlExpression::compile("a > ", error));
  CHECK(error == "Invalid MessageSelector: a name or a value expected at position 5, not ''");
  CHECK_FALSE(SqlExpression::compile("a > 5 AND ?", error));
  CHECK(error == "Invalid MessageSelector: a name, a value or an operator expected at position 11, not '?'");
}

TEST_CASE("an expression is bounded in depth, not in what it lists", "[broker][filter]") {
  CHECK(compiles(repeated("(", 900) + "a = 1" + repeated(")", 900)));
  CHECK_FALSE(compiles(repeated("(", 100'000) + "a = 1" + repeated(")", 100'000)));
  CHECK_FALSE(compiles(repeated("NOT ", 100'000) + "TRUE"));
  CHECK_FALSE(compiles(repeated("- ", 100'000) + "5 = 5"));
  CHECK(compiles("a = 1" + repeated(" AND a = 1", 900)));
  CHECK_FALSE(compiles("a = 1" + repeated(" AND a = 1", 100'000)));
  CHECK(compiles("a IN ('x'" + repeated(",'y'", 10'000) + ")"));
}

TEST_CASE("of a property that is there twice the last one counts", "[broker][filter]") {
  std::string error;
  const auto expression = SqlExpression::compile("a = 2", error);
  REQUIRE(expression);
  CHECK(
      expression->matches("a\x01"
                          "1\x02"
                          "a\x01"
                          "2\x02"));
  CHECK_FALSE(
      expression->matches("a\x01"
                          "2\x02"
                          "a\x01"
                          "1"));
  CHECK_FALSE(
      expression->matches("\x02\x01\x02"
                          "a"));
}

TEST_CASE("numbers are read as Java reads them", "[broker][filter]") {
  CHECK(parse_java_integer("+12", 0, 100) == 12);
  CHECK(parse_java_integer("-12", -100, 100) == -12);
  for (const char* text : {"", "+", "-", "+-1", "1 ", " 1", "1.0", "101", "0x1", "1L"}) CHECK_FALSE(parse_java_integer(text, 0, 100));
  CHECK(parse_java_double(" 1.5d ") == 1.5);
  CHECK(parse_java_double("1.") == 1);
  CHECK(parse_java_double(".5F") == 0.5);
  CHECK(parse_java_double("-1e3") == -1000);
  CHECK(parse_java_double("0x1p3") == 8);
  CHECK(parse_java_double("1e-999") == 0);
  CHECK(parse_java_double("-Infinity") == -parse_java_double("1e999").value());
  for (const char* text : {"", ".", "e5", "1e", "1,5", "inf", "nan", "0x1", "1 2", "d", "1dd", "--1"}) CHECK_FALSE(parse_java_double(text));
}

}  // namespace skylark::broker
