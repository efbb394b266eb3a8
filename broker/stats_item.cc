// SPDX-License-Identifier: Apache-2.0
#include "broker/stats_item.h"

#include <algorithm>

namespace skylark::broker {
namespace {

constexpr std::int64_t kMinuteMs = 60'000, kHourMs = 3'600'000, kDayMs = 86'400'000;

}  // namespace

void StatsItem::sample_fine(std::int64_t now_ms) { take(fine_, now_ms, kMinuteMs); }
void StatsItem::sample_coarse(std::int64_t now_ms) { take(coarse_, now_ms, kDayMs); }

void StatsItem::take(Samples& samples, std::int64_t now_ms, std::int64_t span_ms) const {
  if (times_ != (samples.empty() ? 0 : samples.back().times)) samples.push_back({now_ms, value_, times_});
  // Of those before the span the last one stays.
  const auto inside = std::find_if(samples.begin(), samples.end(), [&](const Sample& one) { return now_ms - one.at_ms < span_ms; });
  if (inside - samples.begin() > 1) samples.erase(samples.begin(), inside - 1);
  if (samples.size() == 1) samples.shrink_to_fit();
}

StatsWindow StatsItem::window(const Samples& samples, std::int64_t now_ms, std::int64_t span_ms, std::int64_t step_ms) const {
  Sample first{.at_ms = since_ms_};
  for (const Sample& one : samples) {
    if (now_ms - one.at_ms < span_ms) break;
    first = one;
  }
  StatsWindow view;
  view.sum = value_ - first.value;
  // Nothing had changed at the steps that are not there.
  const std::int64_t elapsed_ms = std::min(now_ms - first.at_ms, span_ms + step_ms);
  const std::int64_t times = times_ - first.times;
  if (elapsed_ms > 0) view.tps = static_cast<double>(view.sum) * 1000.0 / static_cast<double>(elapsed_ms);
  if (times > 0) view.average_per_time = static_cast<double>(view.sum) / static_cast<double>(times);
  return view;
}

StatsView StatsItem::view(std::int64_t now_ms) const {
  return {.minute = window(fine_, now_ms, kMinuteMs, kFineMs),
          .hour = window(coarse_, now_ms, kHourMs, kCoarseMs),
          .day = window(coarse_, now_ms, kDayMs, kCoarseMs)};
}

}  // namespace skylark::broker
