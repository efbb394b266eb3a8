// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace skylark::broker {

/// The properties of a message that a send looks at, found in one walk: asking for them one by one took a tenth of a send. Views into the
/// property string; empty means absent, for no property has an empty value.
struct SentProperties {
  std::string_view wait, delay, timer_delay_sec, timer_delay_ms, timer_deliver_ms, pop_checkpoint, region, trace_on, cluster, unique_key,
      transaction_prepared;

  explicit SentProperties(std::string_view properties);

  /// Whether the answer is to wait for disk and replicas: property WAIT, true when absent.
  [[nodiscard]] bool waits_for_store() const noexcept;
  [[nodiscard]] bool has_delay_level() const noexcept { return !delay.empty() && delay.front() != '0' && delay.front() != '-'; }
  [[nodiscard]] bool wants_exact_time() const noexcept {
    return !timer_delay_sec.empty() || !timer_delay_ms.empty() || !timer_deliver_ms.empty();
  }
};

}  // namespace skylark::broker
