// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_names.h"

#include <algorithm>
#include <array>

namespace skylark::broker {
namespace {

constexpr std::size_t kTopicSizeMax = 127;
constexpr std::size_t kGroupSizeMax = 255;

constexpr auto kAllowedCharacters = [] {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz%|_-")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}();

bool allowed_character(char c) noexcept { return kAllowedCharacters[static_cast<unsigned char>(c)]; }

bool blank(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; });
}

}  // namespace

std::optional<std::string> topic_name_problem(std::string_view topic) {
  if (blank(topic)) return "The specified topic is blank.";
  if (!std::all_of(topic.begin(), topic.end(), allowed_character)) {
    return "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$";
  }
  if (topic.size() > kTopicSizeMax) return "The specified topic is longer than topic max length.";
  return std::nullopt;
}

bool group_name_valid(std::string_view group) noexcept {
  return !group.empty() && group.size() <= kGroupSizeMax && std::all_of(group.begin(), group.end(), allowed_character);
}

bool is_retry_topic(std::string_view topic) noexcept { return topic.starts_with(names::kRetryPrefix); }
bool is_lmq(std::string_view name) noexcept { return name.starts_with(names::kLmqPrefix); }
bool is_dlq_topic(std::string_view topic) noexcept { return topic.starts_with(names::kDlqPrefix); }

bool is_forbidden_to_send(std::string_view topic) noexcept {
  return topic == names::kScheduleTopic || topic == names::kHalfTopic || topic == names::kOpTopic || topic == names::kCheckMaxTimeTopic ||
         topic == names::kSelfTestTopic || topic == names::kOffsetMovedTopic;
}

bool is_system_group(std::string_view group) noexcept { return group.starts_with(names::kSystemGroupPrefix); }

std::string retry_topic(std::string_view group) { return std::string(names::kRetryPrefix).append(group); }
std::string dlq_topic(std::string_view group) { return std::string(names::kDlqPrefix).append(group); }

}  // namespace skylark::broker
