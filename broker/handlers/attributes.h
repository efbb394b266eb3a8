// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace skylark::broker {

using Attributes = std::map<std::string, std::string>;

/// Values and changeability of one attribute of topics or groups. Source: Attribute.java and its subclasses.
struct AttributeRule {
  bool changeable = false;
  std::function<bool(std::string_view value)> accepts;
};
using AttributeRules = std::map<std::string, AttributeRule, std::less<>>;

/// `queue.type`, `cleanup.policy`, `message.type`, `reserve.time`. Source: TopicAttributes.java.
[[nodiscard]] const AttributeRules& topic_attribute_rules();
/// `priority.factor`. Source: SubscriptionGroupAttributes.java.
[[nodiscard]] const AttributeRules& group_attribute_rules();

/// Either the attributes, or what is wrong.
struct AttributeChange {
  Attributes attributes;
  std::string problem;
};

/// Reads `+key=value,-key`. Source: AttributeParser.java.
[[nodiscard]] AttributeChange parse_attribute_text(std::string_view text);
/// Attributes after a change asked for with `+` and `-` before the keys; `creating`: there was nothing before, so only `+` makes sense.
/// Source: AttributeUtil.java alterCurrentAttributes.
[[nodiscard]] AttributeChange alter_attributes(bool creating, const AttributeRules& rules, const Attributes& current,
                                               const Attributes& asked);

}  // namespace skylark::broker
