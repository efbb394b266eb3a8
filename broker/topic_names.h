// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skylark::broker {

/// Names that mean something. Source: TopicValidator.java, MixAll.java 5.3.3.
namespace names {
inline constexpr std::string_view kLmqPrefix = "%LMQ%";
inline constexpr std::string_view kRetryPrefix = "%RETRY%", kDlqPrefix = "%DLQ%", kSystemPrefix = "rmq_sys_", kReplySuffix = "_REPLY_TOPIC";
inline constexpr std::string_view kDefaultTopic = "TBW102", kScheduleTopic = "SCHEDULE_TOPIC_XXXX", kBenchmark = "BenchmarkTest",
                                  kHalfTopic = "RMQ_SYS_TRANS_HALF_TOPIC", kOpTopic = "RMQ_SYS_TRANS_OP_HALF_TOPIC",
                                  kTraceTopic = "RMQ_SYS_TRACE_TOPIC", kCheckMaxTimeTopic = "TRANS_CHECK_MAX_TIME_TOPIC",
                                  kSelfTestTopic = "SELF_TEST_TOPIC", kOffsetMovedTopic = "OFFSET_MOVED_EVENT",
                                  kWheelTimerTopic = "rmq_sys_wheel_timer", kReviveTopicPrefix = "rmq_sys_REVIVE_LOG_",
                                  kSyncMemberPrefix = "rmq_sys_SYNC_BROKER_MEMBER_";
inline constexpr std::string_view kTransactionGroup = "CID_RMQ_SYS_TRANS", kSystemGroupPrefix = "CID_RMQ_SYS_",
                                  kToolsGroup = "TOOLS_CONSUMER";
}  // namespace names

/// Added to remarks that say that something does not exist. Source: FAQUrl.java suggestTodo.
inline constexpr std::string_view kFaqLine = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

/// What is wrong with a topic name, in Java's words, or nothing. Source: TopicValidator.validateTopic.
[[nodiscard]] std::optional<std::string> topic_name_problem(std::string_view topic);
/// Whether a group of that name may be made by its first use: allowed characters, at most 255.
[[nodiscard]] bool group_name_valid(std::string_view group) noexcept;
[[nodiscard]] bool is_retry_topic(std::string_view topic) noexcept;
[[nodiscard]] bool is_dlq_topic(std::string_view topic) noexcept;
/// A queue that lists messages of topics, or a group that reads such queues (enableLmq). Source: MixAll.isLmq.
[[nodiscard]] bool is_lmq(std::string_view name) noexcept;
/// Topics that clients may not send to.
[[nodiscard]] bool is_forbidden_to_send(std::string_view topic) noexcept;
[[nodiscard]] bool is_system_group(std::string_view group) noexcept;
[[nodiscard]] std::string retry_topic(std::string_view group);
[[nodiscard]] std::string dlq_topic(std::string_view group);

}  // namespace skylark::broker
