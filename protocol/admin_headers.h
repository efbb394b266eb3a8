// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/header_codec.h"

// Headers that tools send to brokers, and those that brokers pass on to clients for them.

namespace skylark {

/// Codes 17 and 513. Source: CreateTopicRequestHeader.java.
struct CreateTopicRequestHeader {
  using Self = CreateTopicRequestHeader;
  std::string topic;
  std::string default_topic;  ///< Carried, never looked at.
  std::int32_t read_queue_nums = 0;
  std::int32_t write_queue_nums = 0;
  std::int32_t perm = 0;
  std::string topic_filter_type = "SINGLE_TAG";
  std::optional<std::int32_t> topic_sys_flag;
  bool order = false;
  std::optional<std::string> attributes;  ///< `+key=value,-key`.
  std::optional<bool> force;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required),
                      field("defaultTopic", &Self::default_topic, required),
                      field("readQueueNums", &Self::read_queue_nums, required),
                      field("writeQueueNums", &Self::write_queue_nums, required),
                      field("perm", &Self::perm, required),
                      field("topicFilterType", &Self::topic_filter_type, required),
                      field("topicSysFlag", &Self::topic_sys_flag),
                      field("order", &Self::order, required),
                      field("attributes", &Self::attributes),
                      field("force", &Self::force),
                      field("bname", &Self::broker_name)};
  }
};

/// Code 215. Source: DeleteTopicRequestHeader.java.
struct DeleteTopicRequestHeader {
  using Self = DeleteTopicRequestHeader;
  std::string topic;

  static constexpr auto fields() { return std::tuple{field("topic", &Self::topic, required)}; }
};

/// Code 351. Source: GetTopicConfigRequestHeader.java.
struct GetTopicConfigRequestHeader {
  using Self = GetTopicConfigRequestHeader;
  std::string topic;

  static constexpr auto fields() { return std::tuple{field("topic", &Self::topic, required)}; }
};

/// Code 202. Source: GetTopicStatsInfoRequestHeader.java.
struct GetTopicStatsInfoRequestHeader {
  using Self = GetTopicStatsInfoRequestHeader;
  std::string topic;

  static constexpr auto fields() { return std::tuple{field("topic", &Self::topic, required)}; }
};

/// Code 300. Source: QueryTopicConsumeByWhoRequestHeader.java.
struct QueryTopicConsumeByWhoRequestHeader {
  using Self = QueryTopicConsumeByWhoRequestHeader;
  std::string topic;

  static constexpr auto fields() { return std::tuple{field("topic", &Self::topic, required)}; }
};

/// Code 343. Source: QueryTopicsByConsumerRequestHeader.java.
struct QueryTopicsByConsumerRequestHeader {
  using Self = QueryTopicsByConsumerRequestHeader;
  std::string group;

  static constexpr auto fields() { return std::tuple{field("group", &Self::group, required)}; }
};

/// Code 345. Source: QuerySubscriptionByConsumerRequestHeader.java.
struct QuerySubscriptionByConsumerRequestHeader {
  using Self = QuerySubscriptionByConsumerRequestHeader;
  std::string group;
  std::optional<std::string> topic;

  static constexpr auto fields() { return std::tuple{field("group", &Self::group, required), field("topic", &Self::topic)}; }
};

/// Code 321. Source: QueryConsumeQueueRequestHeader.java.
struct QueryConsumeQueueRequestHeader {
  using Self = QueryConsumeQueueRequestHeader;
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t index = 0;
  std::int32_t count = 0;
  std::optional<std::string> consumer_group;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required), field("queueId", &Self::queue_id, required),
                      field("index", &Self::index, required), field("count", &Self::count, required),
                      field("consumerGroup", &Self::consumer_group)};
  }
};

/// Code 303. Source: QueryConsumeTimeSpanRequestHeader.java.
struct QueryConsumeTimeSpanRequestHeader {
  using Self = QueryConsumeTimeSpanRequestHeader;
  std::string topic;
  std::string group;

  static constexpr auto fields() { return std::tuple{field("topic", &Self::topic, required), field("group", &Self::group, required)}; }
};

/// Code 352. Source: GetSubscriptionGroupConfigRequestHeader.java.
struct GetSubscriptionGroupConfigRequestHeader {
  using Self = GetSubscriptionGroupConfigRequestHeader;
  std::string group;

  static constexpr auto fields() { return std::tuple{field("group", &Self::group, required)}; }
};

/// Code 207. Source: DeleteSubscriptionGroupRequestHeader.java.
struct DeleteSubscriptionGroupRequestHeader {
  using Self = DeleteSubscriptionGroupRequestHeader;
  std::string group_name;
  bool clean_offset = false;

  static constexpr auto fields() {
    return std::tuple{field("groupName", &Self::group_name, required), field("cleanOffset", &Self::clean_offset)};
  }
};

/// Code 353. Source: UpdateGroupForbiddenRequestHeader.java.
struct UpdateGroupForbiddenRequestHeader {
  using Self = UpdateGroupForbiddenRequestHeader;
  std::string group;
  std::string topic;
  std::optional<bool> readable;  ///< Absent: only ask.

  static constexpr auto fields() {
    return std::tuple{field("group", &Self::group, required), field("topic", &Self::topic, required), field("readable", &Self::readable)};
  }
};

/// Code 203. Source: GetConsumerConnectionListRequestHeader.java.
struct GetConsumerConnectionListRequestHeader {
  using Self = GetConsumerConnectionListRequestHeader;
  std::string consumer_group;

  static constexpr auto fields() { return std::tuple{field("consumerGroup", &Self::consumer_group, required)}; }
};

/// Code 204. Source: GetProducerConnectionListRequestHeader.java.
struct GetProducerConnectionListRequestHeader {
  using Self = GetProducerConnectionListRequestHeader;
  std::string producer_group;

  static constexpr auto fields() { return std::tuple{field("producerGroup", &Self::producer_group, required)}; }
};

/// Code 208. Source: GetConsumeStatsRequestHeader.java.
struct GetConsumeStatsRequestHeader {
  using Self = GetConsumeStatsRequestHeader;
  std::string consumer_group;
  std::optional<std::string> topic;
  std::optional<std::string> topic_list;  ///< Topics joined by `;`.

  static constexpr auto fields() {
    return std::tuple{field("consumerGroup", &Self::consumer_group, required), field("topic", &Self::topic),
                      field("topicList", &Self::topic_list)};
  }
};

/// Code 317. Source: GetConsumeStatsInBrokerHeader.java.
struct GetBrokerConsumeStatsRequestHeader {
  using Self = GetBrokerConsumeStatsRequestHeader;
  bool orderly_only = false;

  static constexpr auto fields() { return std::tuple{field("isOrder", &Self::orderly_only, required)}; }
};

/// Code 315. Source: ViewBrokerStatsDataRequestHeader.java.
struct ViewBrokerStatsDataRequestHeader {
  using Self = ViewBrokerStatsDataRequestHeader;
  std::string stats_name;
  std::string stats_key;

  static constexpr auto fields() {
    return std::tuple{field("statsName", &Self::stats_name, required), field("statsKey", &Self::stats_key, required)};
  }
};

/// Code 307, passed on to the client as it came. Source: GetConsumerRunningInfoRequestHeader.java.
struct GetConsumerRunningInfoRequestHeader {
  using Self = GetConsumerRunningInfoRequestHeader;
  std::string consumer_group;
  std::string client_id;
  bool jstack_enable = false;

  static constexpr auto fields() {
    return std::tuple{field("consumerGroup", &Self::consumer_group, required), field("clientId", &Self::client_id, required),
                      field("jstackEnable", &Self::jstack_enable)};
  }
};

/// Code 309; the last three are added by the broker on the way to the client. Source: ConsumeMessageDirectlyResultRequestHeader.java.
struct ConsumeMessageDirectlyRequestHeader {
  using Self = ConsumeMessageDirectlyRequestHeader;
  std::string consumer_group;
  std::optional<std::string> client_id;
  std::optional<std::string> message_id;  ///< Offset id.
  std::optional<std::string> topic;
  std::optional<std::string> broker_name;
  std::optional<std::int32_t> topic_sys_flag;
  std::optional<std::int32_t> group_sys_flag;

  static constexpr auto fields() {
    return std::tuple{field("consumerGroup", &Self::consumer_group, required),
                      field("clientId", &Self::client_id),
                      field("msgId", &Self::message_id),
                      field("topic", &Self::topic),
                      field("brokerName", &Self::broker_name),
                      field("topicSysFlag", &Self::topic_sys_flag),
                      field("groupSysFlag", &Self::group_sys_flag)};
  }
};

/// Codes 222 (tool to broker) and 220 (broker to client). Source: ResetOffsetRequestHeader.java.
struct ResetOffsetRequestHeader {
  using Self = ResetOffsetRequestHeader;
  std::string topic;
  std::string group;
  std::int32_t queue_id = -1;  ///< -1: all queues.
  std::optional<std::int64_t> offset;
  std::int64_t timestamp = 0;  ///< Negative: the end.
  bool force = false;

  static constexpr auto fields() {
    return std::tuple{
        field("topic", &Self::topic, required), field("group", &Self::group, required),         field("queueId", &Self::queue_id),
        field("offset", &Self::offset),         field("timestamp", &Self::timestamp, required), field("isForce", &Self::force, required)};
  }
};

/// Codes 223 (tool to broker) and 221 (broker to client). Source: GetConsumerStatusRequestHeader.java.
struct GetConsumerStatusRequestHeader {
  using Self = GetConsumerStatusRequestHeader;
  std::string topic;
  std::string group;
  std::optional<std::string> client_id;  ///< A client id, in spite of its name; absent or empty: all.

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required), field("group", &Self::group, required),
                      field("clientAddr", &Self::client_id)};
  }
};

/// Code 308. Source: QueryCorrectionOffsetHeader.java.
struct QueryCorrectionOffsetRequestHeader {
  using Self = QueryCorrectionOffsetRequestHeader;
  std::optional<std::string> filter_groups;
  std::string compare_group;
  std::string topic;

  static constexpr auto fields() {
    return std::tuple{field("filterGroups", &Self::filter_groups), field("compareGroup", &Self::compare_group, required),
                      field("topic", &Self::topic, required)};
  }
};

/// Code 314. Source: CloneGroupOffsetRequestHeader.java.
struct CloneGroupOffsetRequestHeader {
  using Self = CloneGroupOffsetRequestHeader;
  std::string source_group;
  std::string target_group;
  std::optional<std::string> topic;
  bool offline = false;

  static constexpr auto fields() {
    return std::tuple{field("srcGroup", &Self::source_group, required), field("destGroup", &Self::target_group, required),
                      field("topic", &Self::topic), field("offline", &Self::offline)};
  }
};

/// Answer to code 26: DataVersion as JSON text. Source: GetBrokerConfigResponseHeader.java.
struct GetBrokerConfigResponseHeader {
  using Self = GetBrokerConfigResponseHeader;
  std::string version;

  static constexpr auto fields() { return std::tuple{field("version", &Self::version, required)}; }
};

/// Code 906, both ways: a replica asks its master, or tells it. Source: ExchangeHAInfoRequestHeader.java.
struct ExchangeHaInfoHeader {
  using Self = ExchangeHaInfoHeader;
  std::optional<std::string> master_ha_address;
  std::optional<std::string> master_address;
  std::optional<std::int64_t> master_flush_offset;

  static constexpr auto fields() {
    return std::tuple{field("masterHaAddress", &Self::master_ha_address), field("masterAddress", &Self::master_address),
                      field("masterFlushOffset", &Self::master_flush_offset)};
  }
};

/// Code 908. Source: ResetMasterFlushOffsetHeader.java.
struct ResetMasterFlushOffsetRequestHeader {
  using Self = ResetMasterFlushOffsetRequestHeader;
  std::int64_t master_flush_offset = 0;

  static constexpr auto fields() { return std::tuple{field("masterFlushOffset", &Self::master_flush_offset, required)}; }
};

}  // namespace skylark
