// SPDX-License-Identifier: Apache-2.0
#include "broker/stats_item.h"

#include <algorithm>

namespace skylark::broker {
namespace {

constexpr std::int64_t kMinuteMs = 60'000, kHourMs = 3'600'000, kDayMs = 86'400'000;

}  // namespace

void StatsItem::sample(std::int64_t now_ms) {
  if (times_ != (past_.empty() ? 0 : past_.back().times)) past_.push_back({now_ms, times_, messages_, bytes_});
  // A window begins with the last sample before it. Of those before the last minute the last one of each coarse step stays, of those before
  // the last day the last one.
  const auto spare = [now_ms](const Sample& one, const Sample& next) {
    const std::int64_t age_ms = now_ms - next.at_ms;
    return age_ms >= kDayMs || (age_ms >= kMinuteMs && one.at_ms / kCoarseMs == next.at_ms / kCoarseMs);
  };
  auto kept = past_.begin();
  for (auto one = past_.begin(); one != past_.end(); ++one) {
    if (one + 1 == past_.end() || !spare(*one, *(one + 1))) *kept++ = *one;
  }
  past_.erase(kept, past_.end());
  if (past_.size() <= past_.capacity() / 2) past_.shrink_to_fit();
}

StatsWindow StatsItem::window(std::int64_t now_ms, Value of, std::int64_t span_ms, std::int64_t step_ms) const {
  Sample first{.at_ms = since_ms_};
  for (const Sample& one : past_) {
    if (now_ms - one.at_ms < span_ms) break;
    first = one;
  }
  StatsWindow view;
  view.sum = of == Value::messages ? messages_ - first.messages : bytes_ - first.bytes;
  // Nothing had changed at the steps that are not there.
  const std::int64_t elapsed_ms = std::min(now_ms - first.at_ms, span_ms + step_ms);
  const std::int64_t times = times_ - first.times;
  if (elapsed_ms > 0) view.tps = static_cast<double>(view.sum) * 1000.0 / static_cast<double>(elapsed_ms);
  if (times > 0) view.average_per_time = static_cast<double>(view.sum) / static_cast<double>(times);
  return view;
}

StatsView StatsItem::view(std::int64_t now_ms, Value of) const {
  return {.minute = window(now_ms, of, kMinuteMs, kFineMs),
          .hour = window(now_ms, of, kHourMs, kCoarseMs),
          .day = window(now_ms, of, kDayMs, kCoarseMs)};
}

}  // namespace skylark::broker
