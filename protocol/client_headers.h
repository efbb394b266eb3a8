// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/header_codec.h"

// Headers by which clients make themselves known. Locking queues (41, 42) has none.

namespace skylark {

/// Answer to code 34. Source: HeartbeatV2Result, ClientManageProcessor.java.
struct HeartbeatResponseHeader {
  using Self = HeartbeatResponseHeader;
  bool supports_v2 = true;
  bool subscription_changed = false;

  static constexpr auto fields() {
    return std::tuple{field("IS_SUPPORT_HEART_BEAT_V2", &Self::supports_v2), field("IS_SUB_CHANGE", &Self::subscription_changed)};
  }
};

/// Code 35. Source: UnregisterClientRequestHeader.java.
struct UnregisterClientRequestHeader {
  using Self = UnregisterClientRequestHeader;
  std::string client_id;
  std::optional<std::string> producer_group;
  std::optional<std::string> consumer_group;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("clientID", &Self::client_id, required), field("producerGroup", &Self::producer_group),
                      field("consumerGroup", &Self::consumer_group), field("bname", &Self::broker_name)};
  }
};

/// Code 38. Source: GetConsumerListByGroupRequestHeader.java.
struct GetConsumerListByGroupRequestHeader {
  using Self = GetConsumerListByGroupRequestHeader;
  std::string consumer_group;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("consumerGroup", &Self::consumer_group, required), field("bname", &Self::broker_name)};
  }
};

/// Code 40, broker to consumer. Source: NotifyConsumerIdsChangedRequestHeader.java.
struct NotifyConsumerIdsChangedRequestHeader {
  using Self = NotifyConsumerIdsChangedRequestHeader;
  std::string consumer_group;

  static constexpr auto fields() { return std::tuple{field("consumerGroup", &Self::consumer_group, required)}; }
};

}  // namespace skylark
