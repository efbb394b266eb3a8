// SPDX-License-Identifier: Apache-2.0
#include "protocol/detail/decimal.h"

#include <limits>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace skylark {
namespace {

std::string decimal_of(std::int64_t value) {
  const detail::Decimal decimal(value);
  std::string text(decimal.size() + 1, '#');  // One more, which must stay.
  CHECK(decimal.write(text.data()) == text.data() + decimal.size());
  CHECK(text.back() == '#');
  text.pop_back();
  return text;
}

}  // namespace

TEST_CASE("a number is written in decimal like anywhere else", "[protocol][codec]") {
  using Limits = std::numeric_limits<std::int64_t>;
  std::vector<std::int64_t> values = {Limits::min(), Limits::min() + 1, Limits::max() - 1, Limits::max()};
  for (std::int64_t value = -1'100; value <= 1'100; ++value) values.push_back(value);
  for (std::int64_t power = 1; power <= Limits::max() / 10; power *= 10) {
    for (const std::int64_t near : {10 * power - 1, 10 * power, 10 * power + 1, -10 * power + 1, -10 * power, 5 * power})
      values.push_back(near);
  }
  for (int shift = 0; shift < 63; ++shift) values.push_back((std::int64_t{1} << shift) - 1), values.push_back(std::int64_t{1} << shift);
  for (const std::int64_t value : values) {
    CHECK(decimal_of(value) == std::to_string(value));
    CHECK(decimal_of(value).size() <= detail::kDecimalSizeMax);
  }
}

}  // namespace skylark
