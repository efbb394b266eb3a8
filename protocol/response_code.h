// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace skylark {

/// How a request ended. Source: ResponseCode.java, RemotingSysResponseCode.java 5.3.3.
enum class ResponseCode : std::int32_t {
  success = 0,
  system_error = 1,
  system_busy = 2,
  request_code_not_supported = 3,
  transaction_failed = 4,
  flush_disk_timeout = 10,
  slave_not_available = 11,
  flush_slave_timeout = 12,
  message_illegal = 13,
  service_not_available = 14,
  version_not_supported = 15,
  no_permission = 16,
  topic_not_exist = 17,
  topic_exist_already = 18,
  pull_not_found = 19,
  pull_retry_immediately = 20,
  pull_offset_moved = 21,
  query_not_found = 22,
  subscription_parse_failed = 23,
  subscription_not_exist = 24,
  subscription_not_latest = 25,
  subscription_group_not_exist = 26,
  filter_data_not_exist = 27,
  filter_data_not_latest = 28,
  invalid_parameter = 29,
  transaction_should_commit = 200,
  transaction_should_rollback = 201,
  transaction_state_unknow = 202,
  transaction_state_group_wrong = 203,
  no_buyer_id = 204,
  not_in_current_unit = 205,
  consumer_not_online = 206,
  consume_msg_timeout = 207,
  no_message = 208,
  polling_full = 209,
  polling_timeout = 210,
  broker_not_exist = 211,
  broker_dispatch_not_complete = 212,
  broadcast_consumption = 213,
  flow_control = 215,
  not_leader_for_queue = 501,
  illegal_operation = 604,
  go_away = 1500,
  user_not_exist = 3001,
  policy_not_exist = 3002,
};

[[nodiscard]] constexpr std::int32_t to_int(ResponseCode code) noexcept { return static_cast<std::int32_t>(code); }

}  // namespace skylark
