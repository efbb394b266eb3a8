// SPDX-License-Identifier: Apache-2.0
#include "client/detail/send_policy.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "protocol/response_code.h"

namespace skylark::client {

namespace {

constexpr std::size_t kTopicLengthMax = 127;
constexpr std::size_t kGroupLengthMax = 255;
constexpr std::array<std::string_view, 6> kForbiddenTopics = {"SCHEDULE_TOPIC_XXXX",       "RMQ_SYS_TRANS_HALF_TOPIC",
                                                              "RMQ_SYS_TRANS_OP_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC",
                                                              "SELF_TEST_TOPIC",             "OFFSET_MOVED_EVENT"};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '%' || c == '|';
}

}  // namespace

bool should_retry(const Failure& failure) noexcept {
  if (const auto code = failure.response_code()) {
    switch (static_cast<ResponseCode>(*code)) {
      case ResponseCode::topic_not_exist:
      case ResponseCode::service_not_available:
      case ResponseCode::system_error:
      case ResponseCode::system_busy:
      case ResponseCode::no_permission:
      case ResponseCode::no_buyer_id:
      case ResponseCode::not_in_current_unit:
      case ResponseCode::go_away: return true;
      default: return false;  // A code of the peer may be any number.
    }
  }
  return failure.code == make_error_code(Errc::timed_out) || failure.code == make_error_code(Errc::cannot_connect) ||
         failure.code == make_error_code(Errc::closed) || failure.code.category() == boost::system::system_category() ||
         failure.code.category() == boost::system::generic_category();
}

const MessageQueue& select_queue(const std::vector<MessageQueue>& queues, std::uint64_t sequence,
                                 std::string_view failed_broker) noexcept {
  if (!failed_broker.empty()) {
    for (std::size_t i = 0; i < queues.size(); ++i) {
      const MessageQueue& queue = queues[(sequence + i) % queues.size()];
      if (queue.broker_name != failed_broker) return queue;
    }
  }
  return queues[sequence % queues.size()];
}

Outcome<> check_message(const Message& message, std::size_t body_size_max_bytes) {
  if (message.topic.empty()) return Failure(Errc::invalid_argument, "the topic is blank");
  if (!std::ranges::all_of(message.topic, is_name_char)) {
    return Failure(Errc::invalid_argument, fmt::format("the topic '{}' holds illegal characters", message.topic));
  }
  if (message.topic.size() > kTopicLengthMax) return Failure(Errc::invalid_argument, "the topic is longer than 127 characters");
  if (std::ranges::find(kForbiddenTopics, message.topic) != kForbiddenTopics.end()) {
    return Failure(Errc::invalid_argument, fmt::format("sending to topic '{}' is forbidden", message.topic));
  }
  if (message.body.empty()) return Failure(Errc::invalid_argument, "the message has no body");
  if (message.body.size() > body_size_max_bytes) {
    return Failure(Errc::too_large, fmt::format("the body of {} bytes is over the bound of {}", message.body.size(), body_size_max_bytes));
  }
  return {};
}

Outcome<> check_group(std::string_view group) {
  if (group.empty() || group.size() > kGroupLengthMax || !std::ranges::all_of(group, is_name_char)) {
    return Failure(Errc::invalid_argument, fmt::format("'{}' is no name of a group", group));
  }
  return {};
}

std::vector<std::string> split_name_servers(std::string_view text) {
  std::vector<std::string> servers;
  while (!text.empty()) {
    auto item = text.substr(0, text.find_first_of(";,"));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    constexpr std::string_view kScheme = "http://";
    if (item.starts_with(kScheme)) item.remove_prefix(kScheme.size());
    if (!item.empty()) servers.emplace_back(item);
  }
  return servers;
}

}  // namespace skylark::client
