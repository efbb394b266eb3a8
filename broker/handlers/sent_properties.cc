// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/sent_properties.h"

#include <algorithm>

#include "protocol/message.h"
#include "protocol/property_walk.h"

namespace skylark::broker {
namespace {

/// Where the value of a property of that name goes; null when nobody asks for it. Told apart by length first: few share one.
std::string_view* place_of(SentProperties& into, std::string_view name) noexcept {
  const auto place = [name](std::string_view known, std::string_view& member) { return name == known ? &member : nullptr; };
  switch (name.size()) {
    case property::kWait.size(): return place(property::kWait, into.wait);
    case property::kDelay.size(): return place(property::kDelay, into.delay);
    case property::kPopCheckpoint.size(): return place(property::kPopCheckpoint, into.pop_checkpoint);
    case property::kCluster.size(): return place(property::kCluster, into.cluster);
    case property::kUniqueKey.size():
      static_assert(property::kTraceOn.size() == property::kUniqueKey.size());
      static_assert(property::kTransactionPrepared.size() == property::kUniqueKey.size());
      if (name == property::kTraceOn) return &into.trace_on;
      return name == property::kUniqueKey ? &into.unique_key : place(property::kTransactionPrepared, into.transaction_prepared);
    case property::kRegion.size(): return place(property::kRegion, into.region);
    case property::kTimerDelayMs.size(): return place(property::kTimerDelayMs, into.timer_delay_ms);
    case property::kTimerDelaySec.size(): return place(property::kTimerDelaySec, into.timer_delay_sec);
    case property::kTimerDeliverMs.size(): return place(property::kTimerDeliverMs, into.timer_deliver_ms);
    default: return nullptr;
  }
}

}  // namespace

SentProperties::SentProperties(std::string_view properties) {
  for_each_property(properties, [this](std::string_view name, std::string_view value) {
    if (std::string_view* const member = place_of(*this, name); member != nullptr) *member = value;
  });
}

bool SentProperties::waits_for_store() const noexcept {
  constexpr std::string_view kTrue = "true";
  return wait.empty() || (wait.size() == kTrue.size() &&
                          std::equal(kTrue.begin(), kTrue.end(), wait.begin(), [](char a, char b) { return a == (b | 0x20); }));
}

}  // namespace skylark::broker
