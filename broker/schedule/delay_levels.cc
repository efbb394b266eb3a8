// SPDX-License-Identifier: Apache-2.0
#include "broker/schedule/delay_levels.h"

#include <charconv>

#include "base/error.h"

namespace skylark::broker {
namespace {

constexpr std::int64_t kDelayMaxMs = 10LL * 365 * 24 * 3'600'000;  // Ten years: far above use, far below an overflow.

std::int64_t unit_ms(char unit) {
  switch (unit) {
    case 's': return 1'000;
    case 'm': return 60'000;
    case 'h': return 3'600'000;
    case 'd': return 86'400'000;
    default: return 0;
  }
}

}  // namespace

Result<DelayLevels> DelayLevels::parse(std::string_view text) {
  DelayLevels levels;
  while (!text.empty()) {
    const auto end = text.find(' ');
    const auto item = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (item.empty()) continue;

    const std::int64_t unit = unit_ms(item.back());
    std::int64_t number = 0;
    const char* const stop = item.data() + item.size() - 1;
    const auto [read_to, error] = std::from_chars(item.data(), stop, number);
    if (unit == 0 || error != std::errc{} || read_to != stop || number < 0 || number > kDelayMaxMs / unit) {
      return make_error_code(Errc::invalid_argument);
    }
    levels.delays_ms_.push_back(number * unit);
    levels.texts_.emplace_back(item);
  }
  if (levels.delays_ms_.empty()) return make_error_code(Errc::invalid_argument);
  return levels;
}

std::int64_t DelayLevels::delay_ms(std::int32_t level) const noexcept {
  if (level < 1 || level > max_level()) return 1'000;
  return delays_ms_[static_cast<std::size_t>(level - 1)];
}

}  // namespace skylark::broker
