// SPDX-License-Identifier: Apache-2.0
#include "broker/filter/message_filters.h"

#include "protocol/message.h"

namespace skylark::broker {

bool SqlMessageFilter::wants_unit(const FilterUnit& unit) const {
  const bool has_map = !unit.bit_map.empty() && unit.bit_map.size() * 8 == static_cast<std::size_t>(filter_->bits.bit_count);
  if (!has_map || unit.store_timestamp <= filter_->born_ms) return true;  // The map was made without this filter.
  return BloomFilter::may_hold(filter_->bits, unit.bit_map);
}

bool RetrySqlMessageFilter::wants_properties(std::string_view properties) const {
  const auto topic = find_property(properties, property::kRetryTopic);
  const ConsumerFilterPtr filter = topic ? filters_.find(*topic, group_) : nullptr;
  return !filter || filter->compiled->matches(properties);
}

}  // namespace skylark::broker
