// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skylark::broker {

/// The delays that a message may ask for, by level from 1. Immutable. Source: ScheduleMessageService.java parseDelayLevel.
class DelayLevels {
 public:
  /// `1s 5s 2m 1h 1d`, separated by spaces. Errors: `invalid_argument` for an empty list, a unit other than s, m, h, d, or a bad number.
  [[nodiscard]] static Result<DelayLevels> parse(std::string_view text);

  [[nodiscard]] std::int32_t max_level() const noexcept { return static_cast<std::int32_t>(delays_ms_.size()); }
  /// Delay of a level in milliseconds; 1,000 for one that does not exist.
  [[nodiscard]] std::int64_t delay_ms(std::int32_t level) const noexcept;
  /// The items of the list, as the store wants them.
  [[nodiscard]] const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  std::vector<std::int64_t> delays_ms_;
  std::vector<std::string> texts_;
};

}  // namespace skylark::broker
