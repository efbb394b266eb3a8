// SPDX-License-Identifier: Apache-2.0
// Expressions and Bloom filters against what the filter module of RocketMQ 5.3.3 made of them: tests/golden/filter/README.md.
#include <fstream>
#include <sstream>

#include "broker/filter/bloom_filter.h"
#include "broker/filter/sql_expression.h"
#include "protocol/message.h"
#include "tests/support/catch.h"

namespace skylark::broker {
namespace {

std::vector<std::string> lines_of(const std::string& name) {
  std::ifstream file(std::string(SKYLARK_GOLDEN_DIR) + "/filter/" + name);
  REQUIRE(file.is_open());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// `a=5|b=x` as a message stores it.
std::string stored(const std::string& line) {
  std::string properties;
  std::istringstream pairs(line);
  for (std::string pair; std::getline(pairs, pair, '|');) {
    const auto at = pair.find('=');
    append_property(properties, pair.substr(0, at), pair.substr(at + 1));
  }
  return properties;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

char sign(SqlExpression::Answer answer) {
  switch (answer) {
    case SqlExpression::Answer::yes: return 'y';
    case SqlExpression::Answer::no: return 'n';
    case SqlExpression::Answer::unknown: return '?';
    case SqlExpression::Answer::failed: return '!';
  }
  return '\0';
}

}  // namespace

TEST_CASE("expressions answer as Java's do", "[broker][filter][golden]") {
  const auto expressions = lines_of("expressions.txt");
  const auto results = lines_of("results.txt");
  std::vector<std::string> sets;
  for (const std::string& line : lines_of("properties.txt")) sets.push_back(stored(line));
  REQUIRE(expressions.size() == results.size());
  REQUIRE(expressions.size() > 200);
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    INFO(expressions[i]);
    std::string error;
    const auto expression = SqlExpression::compile(replaced(replaced(expressions[i], "\\n", "\n"), "\\t", "\t"), error);
    std::string answers = expression ? "" : "refused";
    if (expression) {
      for (const std::string& set : sets) answers += sign(expression->evaluate(set));
    }
    CHECK(answers == results[i]);
    CHECK((expression != nullptr) == error.empty());
  }
}

TEST_CASE("names have the bits that Java gives them", "[broker][filter][golden]") {
  std::size_t count = 0;
  for (const std::string& line : lines_of("bloom.txt")) {
    INFO(line);
    const auto tab = line.find('\t');
    std::istringstream numbers(line.substr(0, tab));
    std::int32_t error_percent = 0;
    std::int32_t names = 0;
    BloomBits wanted;
    REQUIRE(numbers >> error_percent >> names >> wanted.bit_count);
    for (std::int32_t position = 0; numbers >> position;) wanted.positions.push_back(position);
    const BloomFilter filter(error_percent, names);
    CHECK(filter.bits_of(line.substr(tab + 1)) == wanted);
    CHECK(filter.fits(wanted));
    std::string map = filter.empty_map();
    CHECK_FALSE(BloomFilter::may_hold(wanted, map));
    BloomFilter::add(wanted, map);
    CHECK(BloomFilter::may_hold(wanted, map));
    ++count;
  }
  CHECK(count == 40);
}

}  // namespace skylark::broker
