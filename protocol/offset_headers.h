// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/header_codec.h"

// Headers of consumer progress and of the bounds of queues.

namespace skylark {

/// Code 14. Source: QueryConsumerOffsetRequestHeader.java.
struct QueryConsumerOffsetRequestHeader {
  using Self = QueryConsumerOffsetRequestHeader;
  std::string consumer_group;
  std::string topic;
  std::int32_t queue_id = 0;
  std::optional<bool> set_zero_if_not_found;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("consumerGroup", &Self::consumer_group, required), field("topic", &Self::topic, required),
                      field("queueId", &Self::queue_id, required), field("setZeroIfNotFound", &Self::set_zero_if_not_found),
                      field("bname", &Self::broker_name)};
  }
};

/// Answer to codes 14, 29, 30 and 31.
struct OffsetResponseHeader {
  using Self = OffsetResponseHeader;
  std::int64_t offset = 0;

  static constexpr auto fields() { return std::tuple{field("offset", &Self::offset, required)}; }
};

/// Code 15, usually one-way. Source: UpdateConsumerOffsetRequestHeader.java.
struct UpdateConsumerOffsetRequestHeader {
  using Self = UpdateConsumerOffsetRequestHeader;
  std::string consumer_group;
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t commit_offset = 0;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("consumerGroup", &Self::consumer_group, required), field("topic", &Self::topic, required),
                      field("queueId", &Self::queue_id, required), field("commitOffset", &Self::commit_offset, required),
                      field("bname", &Self::broker_name)};
  }
};

/// Code 29. Source: SearchOffsetRequestHeader.java.
struct SearchOffsetRequestHeader {
  using Self = SearchOffsetRequestHeader;
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t timestamp = 0;                ///< Milliseconds since the epoch.
  std::optional<std::string> boundary_type;  ///< `LOWER` when absent, or `UPPER`, in any case.
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required), field("queueId", &Self::queue_id, required),
                      field("timestamp", &Self::timestamp, required), field("boundaryType", &Self::boundary_type),
                      field("bname", &Self::broker_name)};
  }
};

/// Code 30. Source: GetMaxOffsetRequestHeader.java.
struct GetMaxOffsetRequestHeader {
  using Self = GetMaxOffsetRequestHeader;
  std::string topic;
  std::int32_t queue_id = 0;
  bool committed = true;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required), field("queueId", &Self::queue_id, required),
                      field("committed", &Self::committed), field("bname", &Self::broker_name)};
  }
};

/// Code 31. Source: GetMinOffsetRequestHeader.java.
struct GetMinOffsetRequestHeader {
  using Self = GetMinOffsetRequestHeader;
  std::string topic;
  std::int32_t queue_id = 0;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required), field("queueId", &Self::queue_id, required),
                      field("bname", &Self::broker_name)};
  }
};

/// Code 32. Source: GetEarliestMsgStoretimeRequestHeader.java.
struct GetEarliestMsgStoretimeRequestHeader {
  using Self = GetEarliestMsgStoretimeRequestHeader;
  std::string topic;
  std::int32_t queue_id = 0;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required), field("queueId", &Self::queue_id, required),
                      field("bname", &Self::broker_name)};
  }
};

/// Answer to code 32: -1 when unknown.
struct GetEarliestMsgStoretimeResponseHeader {
  using Self = GetEarliestMsgStoretimeResponseHeader;
  std::int64_t timestamp = 0;

  static constexpr auto fields() { return std::tuple{field("timestamp", &Self::timestamp, required)}; }
};

}  // namespace skylark
