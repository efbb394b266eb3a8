// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace skylark::broker {

/// The number that Java's `Integer.valueOf` or `Long.valueOf` (by its bounds) reads from the whole text.
[[nodiscard]] std::optional<std::int64_t> parse_java_integer(std::string_view text, std::int64_t min, std::int64_t max);
/// The number that Java's `Double.valueOf` reads from the whole text: spaces around it, `1.`, `.5`, `1e3`, `1.5d`, `NaN`, `Infinity`, and
/// hexadecimal ones.
[[nodiscard]] std::optional<double> parse_java_double(std::string_view text);
/// -1, 0 or 1 as `Double.compare`: NaN is above all and equal to itself, -0.0 is below 0.0.
[[nodiscard]] int compare_java_doubles(double a, double b) noexcept;

}  // namespace skylark::broker
