// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/header_codec.h"

// Headers of pulling messages.

namespace skylark {

/// Bits of a pull's `sys_flag`. Source: PullSysFlag.java.
namespace pull_flag {
inline constexpr std::int32_t kCommitOffset = 0x1, kSuspend = 0x2, kSubscription = 0x4, kClassFilter = 0x8, kLitePull = 0x10;
}  // namespace pull_flag

/// Codes 11 and 361. Views into the command. Source: PullMessageRequestHeader.java.
struct PullMessageRequestHeader {
  using Self = PullMessageRequestHeader;
  std::string_view consumer_group;
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;  ///< First offset wanted.
  std::int32_t message_count_max = 32;
  std::int32_t sys_flag = 0;                        ///< Bits of `pull_flag`.
  std::int64_t commit_offset = 0;                   ///< Recorded when `pull_flag::kCommitOffset` is set.
  std::int64_t suspend_timeout_ms = 0;              ///< How long the request may be held when `pull_flag::kSuspend` is set.
  std::optional<std::string_view> subscription;     ///< Expression, with `pull_flag::kSubscription`.
  std::int64_t sub_version = 0;                     ///< Version of the client's subscription: a time in milliseconds.
  std::optional<std::string_view> expression_type;  ///< `TAG` when absent.
  std::optional<std::int32_t> message_bytes_max;
  std::optional<std::string_view> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("consumerGroup", &Self::consumer_group, required),
                      field("topic", &Self::topic, required),
                      field("queueId", &Self::queue_id, required),
                      field("queueOffset", &Self::queue_offset, required),
                      field("maxMsgNums", &Self::message_count_max, required),
                      field("sysFlag", &Self::sys_flag, required),
                      field("commitOffset", &Self::commit_offset, required),
                      field("suspendTimeoutMillis", &Self::suspend_timeout_ms, required),
                      field("subscription", &Self::subscription),
                      field("subVersion", &Self::sub_version, required),
                      field("expressionType", &Self::expression_type),
                      field("maxMsgBytes", &Self::message_bytes_max),
                      field("bname", &Self::broker_name)};
  }
};

/// On every answer made from a look into the store. Source: PullMessageResponseHeader.java.
struct PullMessageResponseHeader {
  using Self = PullMessageResponseHeader;
  std::int64_t suggested_broker_id = 0;  ///< 0 master, 1 replica.
  std::int64_t next_begin_offset = 0;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  std::optional<std::int32_t> topic_sys_flag;
  std::optional<std::int32_t> group_sys_flag;
  std::optional<std::int32_t> forbidden_type;  ///< With code 16: 1 broker, 2 group, 3 topic, 4 broadcasting, 5 group and topic.

  static constexpr auto fields() {
    return std::tuple{field("suggestWhichBrokerId", &Self::suggested_broker_id, required),
                      field("nextBeginOffset", &Self::next_begin_offset, required),
                      field("minOffset", &Self::min_offset, required),
                      field("maxOffset", &Self::max_offset, required),
                      field("topicSysFlag", &Self::topic_sys_flag),
                      field("groupSysFlag", &Self::group_sys_flag),
                      field("forbiddenType", &Self::forbidden_type)};
  }
};

}  // namespace skylark
