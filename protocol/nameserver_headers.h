// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/header_codec.h"

// Headers that name servers take, from brokers, clients and tools.

namespace skylark {

/// Code 103. Source: RegisterBrokerRequestHeader.java.
struct RegisterBrokerRequestHeader {
  using Self = RegisterBrokerRequestHeader;
  std::string broker_name;
  std::string broker_addr;  ///< `ip:port`.
  std::string cluster_name;
  std::string ha_server_addr;
  std::int64_t broker_id = 0;  ///< 0 is the master.
  std::optional<std::int64_t> heartbeat_timeout_ms;
  std::optional<bool> enable_acting_master;
  bool compressed = false;      ///< The body is the compressed form of `RegisterBrokerBody`.
  std::int32_t body_crc32 = 0;  ///< `crc32_31` of the body; 0 is unchecked.
  std::optional<std::string> zone_name;

  static constexpr auto fields() {
    return std::tuple{field("brokerName", &Self::broker_name, required),
                      field("brokerAddr", &Self::broker_addr, required),
                      field("clusterName", &Self::cluster_name, required),
                      field("haServerAddr", &Self::ha_server_addr, required),
                      field("brokerId", &Self::broker_id, required),
                      field("heartbeatTimeoutMillis", &Self::heartbeat_timeout_ms),
                      field("enableActingMaster", &Self::enable_acting_master),
                      field("compressed", &Self::compressed),
                      field("bodyCrc32", &Self::body_crc32),
                      field("__ZONE_NAME", &Self::zone_name)};
  }
};

/// Answer to code 103, filled for a replica whose master is known. Source: RegisterBrokerResponseHeader.java.
struct RegisterBrokerResponseHeader {
  using Self = RegisterBrokerResponseHeader;
  std::optional<std::string> ha_server_addr;
  std::optional<std::string> master_addr;

  static constexpr auto fields() {
    return std::tuple{field("haServerAddr", &Self::ha_server_addr), field("masterAddr", &Self::master_addr)};
  }
};

/// Code 104. Source: UnRegisterBrokerRequestHeader.java.
struct UnregisterBrokerRequestHeader {
  using Self = UnregisterBrokerRequestHeader;
  std::string broker_name;
  std::string broker_addr;
  std::string cluster_name;
  std::int64_t broker_id = 0;

  static constexpr auto fields() {
    return std::tuple{field("brokerName", &Self::broker_name, required), field("brokerAddr", &Self::broker_addr, required),
                      field("clusterName", &Self::cluster_name, required), field("brokerId", &Self::broker_id, required)};
  }
};

/// Code 322. Source: QueryDataVersionRequestHeader.java.
struct QueryDataVersionRequestHeader {
  using Self = QueryDataVersionRequestHeader;
  std::string broker_name;
  std::string broker_addr;
  std::string cluster_name;
  std::int64_t broker_id = 0;

  static constexpr auto fields() {
    return std::tuple{field("brokerName", &Self::broker_name, required), field("brokerAddr", &Self::broker_addr, required),
                      field("clusterName", &Self::cluster_name, required), field("brokerId", &Self::broker_id, required)};
  }
};

/// Answer to code 322. Source: QueryDataVersionResponseHeader.java.
struct QueryDataVersionResponseHeader {
  using Self = QueryDataVersionResponseHeader;
  bool changed = false;

  static constexpr auto fields() { return std::tuple{field("changed", &Self::changed, required)}; }
};

/// Code 904, one-way. Source: BrokerHeartbeatRequestHeader.java.
struct BrokerHeartbeatRequestHeader {
  using Self = BrokerHeartbeatRequestHeader;
  std::string cluster_name;
  std::string broker_addr;
  std::string broker_name;
  std::optional<std::int64_t> broker_id;
  std::optional<std::int32_t> epoch;
  std::optional<std::int64_t> max_offset;
  std::optional<std::int64_t> confirm_offset;
  std::optional<std::int64_t> heartbeat_timeout_ms;
  std::optional<std::int32_t> election_priority;

  static constexpr auto fields() {
    return std::tuple{field("clusterName", &Self::cluster_name, required),
                      field("brokerAddr", &Self::broker_addr, required),
                      field("brokerName", &Self::broker_name, required),
                      field("brokerId", &Self::broker_id),
                      field("epoch", &Self::epoch),
                      field("maxOffset", &Self::max_offset),
                      field("confirmOffset", &Self::confirm_offset),
                      field("heartbeatTimeoutMills", &Self::heartbeat_timeout_ms),
                      field("electionPriority", &Self::election_priority)};
  }
};

/// Code 901. Source: GetBrokerMemberGroupRequestHeader.java.
struct GetBrokerMemberGroupRequestHeader {
  using Self = GetBrokerMemberGroupRequestHeader;
  std::string cluster_name;
  std::string broker_name;

  static constexpr auto fields() {
    return std::tuple{field("clusterName", &Self::cluster_name, required), field("brokerName", &Self::broker_name, required)};
  }
};

/// Code 217. Source: RegisterTopicRequestHeader.java.
struct RegisterTopicRequestHeader {
  using Self = RegisterTopicRequestHeader;
  std::string topic;

  static constexpr auto fields() { return std::tuple{field("topic", &Self::topic, required)}; }
};

/// Code 105. Source: GetRouteInfoRequestHeader.java.
struct GetRouteInfoRequestHeader {
  using Self = GetRouteInfoRequestHeader;
  std::string topic;
  std::optional<bool> accept_standard_json_only;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required), field("acceptStandardJsonOnly", &Self::accept_standard_json_only)};
  }
};

/// Code 224. Source: GetTopicsByClusterRequestHeader.java.
struct GetTopicsByClusterRequestHeader {
  using Self = GetTopicsByClusterRequestHeader;
  std::string cluster;

  static constexpr auto fields() { return std::tuple{field("cluster", &Self::cluster, required)}; }
};

/// Code 205. Source: WipeWritePermOfBrokerRequestHeader.java.
struct WipeWritePermOfBrokerRequestHeader {
  using Self = WipeWritePermOfBrokerRequestHeader;
  std::string broker_name;

  static constexpr auto fields() { return std::tuple{field("brokerName", &Self::broker_name, required)}; }
};

/// Answer to code 205. Source: WipeWritePermOfBrokerResponseHeader.java.
struct WipeWritePermOfBrokerResponseHeader {
  using Self = WipeWritePermOfBrokerResponseHeader;
  std::int32_t wipe_topic_count = 0;

  static constexpr auto fields() { return std::tuple{field("wipeTopicCount", &Self::wipe_topic_count, required)}; }
};

/// Code 327. Source: AddWritePermOfBrokerRequestHeader.java.
struct AddWritePermOfBrokerRequestHeader {
  using Self = AddWritePermOfBrokerRequestHeader;
  std::string broker_name;

  static constexpr auto fields() { return std::tuple{field("brokerName", &Self::broker_name, required)}; }
};

/// Answer to code 327. Source: AddWritePermOfBrokerResponseHeader.java.
struct AddWritePermOfBrokerResponseHeader {
  using Self = AddWritePermOfBrokerResponseHeader;
  std::int32_t add_topic_count = 0;

  static constexpr auto fields() { return std::tuple{field("addTopicCount", &Self::add_topic_count, required)}; }
};

/// Code 216. Source: DeleteTopicFromNamesrvRequestHeader.java.
struct DeleteTopicFromNameServerRequestHeader {
  using Self = DeleteTopicFromNameServerRequestHeader;
  std::string topic;
  std::optional<std::string> cluster_name;

  static constexpr auto fields() { return std::tuple{field("topic", &Self::topic, required), field("clusterName", &Self::cluster_name)}; }
};

/// Code 100. Source: PutKVConfigRequestHeader.java.
struct PutKvConfigRequestHeader {
  using Self = PutKvConfigRequestHeader;
  std::string name_space;
  std::string key;
  std::string value;

  static constexpr auto fields() {
    return std::tuple{field("namespace", &Self::name_space, required), field("key", &Self::key, required),
                      field("value", &Self::value, required)};
  }
};

/// Code 101. Source: GetKVConfigRequestHeader.java.
struct GetKvConfigRequestHeader {
  using Self = GetKvConfigRequestHeader;
  std::string name_space;
  std::string key;

  static constexpr auto fields() { return std::tuple{field("namespace", &Self::name_space, required), field("key", &Self::key, required)}; }
};

/// Answer to code 101. Source: GetKVConfigResponseHeader.java.
struct GetKvConfigResponseHeader {
  using Self = GetKvConfigResponseHeader;
  std::optional<std::string> value;

  static constexpr auto fields() { return std::tuple{field("value", &Self::value)}; }
};

/// Code 102. Source: DeleteKVConfigRequestHeader.java.
struct DeleteKvConfigRequestHeader {
  using Self = DeleteKvConfigRequestHeader;
  std::string name_space;
  std::string key;

  static constexpr auto fields() { return std::tuple{field("namespace", &Self::name_space, required), field("key", &Self::key, required)}; }
};

/// Code 219. Source: GetKVListByNamespaceRequestHeader.java.
struct GetKvListByNamespaceRequestHeader {
  using Self = GetKvListByNamespaceRequestHeader;
  std::string name_space;

  static constexpr auto fields() { return std::tuple{field("namespace", &Self::name_space, required)}; }
};

/// Code 905, name server to broker, one-way. Source: NotifyMinBrokerIdChangeRequestHeader.java.
struct NotifyMinBrokerIdChangeRequestHeader {
  using Self = NotifyMinBrokerIdChangeRequestHeader;
  std::optional<std::int64_t> min_broker_id;
  std::optional<std::string> broker_name;
  std::optional<std::string> min_broker_addr;
  std::optional<std::string> offline_broker_addr;
  std::optional<std::string> ha_broker_addr;

  static constexpr auto fields() {
    return std::tuple{field("minBrokerId", &Self::min_broker_id), field("brokerName", &Self::broker_name),
                      field("minBrokerAddr", &Self::min_broker_addr), field("offlineBrokerAddr", &Self::offline_broker_addr),
                      field("haBrokerAddr", &Self::ha_broker_addr)};
  }
};

}  // namespace skylark
