// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/attributes.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace skylark::broker {
namespace {

std::function<bool(std::string_view)> one_of_texts(std::vector<std::string_view> texts) {
  return [texts = std::move(texts)](std::string_view value) { return std::find(texts.begin(), texts.end(), value) != texts.end(); };
}

std::function<bool(std::string_view)> number_between(std::int64_t min, std::int64_t max) {
  return [min, max](std::string_view value) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    return error == std::errc{} && end == value.data() + value.size() && number >= min && number <= max;
  };
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

AttributeChange problem(std::string text) { return {{}, std::move(text)}; }

}  // namespace

const AttributeRules& topic_attribute_rules() {
  static const AttributeRules rules = {
      {"queue.type", {false, one_of_texts({"BatchCQ", "SimpleCQ"})}},
      {"cleanup.policy", {false, one_of_texts({"DELETE", "COMPACTION"})}},
      {"message.type", {true, one_of_texts({"UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED"})}},
      {"reserve.time", {true, number_between(-1, INT64_MAX)}},
  };
  return rules;
}

const AttributeRules& group_attribute_rules() {
  static const AttributeRules rules = {{"priority.factor", {true, number_between(0, 100)}}};
  return rules;
}

AttributeChange parse_attribute_text(std::string_view text) {
  AttributeChange asked;
  while (!text.empty()) {
    const auto end = text.find(',');
    const std::string_view item = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto equals = item.find('=');
    const std::string_view key = trim(item.substr(0, equals));
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : trim(item.substr(equals + 1));
    const bool adds = key.starts_with('+') && key.size() > 1 && equals != std::string_view::npos && !value.empty();
    const bool deletes = key.starts_with('-') && key.size() > 1 && equals == std::string_view::npos;
    if (!adds && !deletes) return problem("kv string format wrong.");
    if (!asked.attributes.emplace(key, value).second) return problem(fmt::format("key duplication. key: {}", key));
  }
  return asked;
}

AttributeChange alter_attributes(bool creating, const AttributeRules& rules, const Attributes& current, const Attributes& asked) {
  AttributeChange result{.attributes = current, .problem = {}};
  for (const auto& [marked, value] : asked) {
    const bool adds = marked.starts_with('+');
    const bool deletes = marked.starts_with('-');
    const std::string key = adds || deletes ? marked.substr(1) : marked;
    if (key.empty()) return problem("kv string format wrong.");
    if (!adds && !deletes) return problem(fmt::format("wrong format key: {}", key));
    if (creating && deletes) return problem(fmt::format("only add attribute is supported while creating topic. key: {}", key));

    const auto rule = rules.find(key);
    if (rule == rules.end()) return problem(fmt::format("unsupported key: {}", key));
    if (deletes) {
      if (!current.contains(key)) return problem(fmt::format("attempt to delete a nonexistent key: {}", key));
      if (!rule->second.changeable) return problem(fmt::format("attempt to update an unchangeable attribute. key: {}", key));
      result.attributes.erase(key);
      continue;
    }
    if (!rule->second.accepts(value)) return problem(fmt::format("value is not in set or out of range: {}={}", key, value));
    const auto before = current.find(key);
    if (!creating && !rule->second.changeable && (before == current.end() || before->second != value)) {
      return problem(fmt::format("attempt to update an unchangeable attribute. key: {}", key));
    }
    result.attributes[key] = value;
  }
  return result;
}

}  // namespace skylark::broker
