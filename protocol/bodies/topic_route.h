// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/json.h"

namespace skylark {

/// A broker group and where its members listen. Source: BrokerData.java.
struct BrokerData {
  std::map<std::int64_t, std::string> broker_addrs;  ///< `ip:port` by broker id; 0 is the master.
  std::string broker_name;
  std::string cluster;
  bool enable_acting_master = false;
  std::optional<std::string> zone_name;

  static BrokerData from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  friend bool operator==(const BrokerData&, const BrokerData&) = default;
};

/// The queues of one topic on one broker group. Source: QueueData.java.
struct QueueData {
  std::string broker_name;
  std::int32_t perm = 0;
  std::int32_t read_queue_nums = 0;
  std::int32_t topic_sys_flag = 0;
  std::int32_t write_queue_nums = 0;

  static QueueData from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  friend bool operator==(const QueueData&, const QueueData&) = default;
};

/// Which broker groups serve a topic: body of the answer to code 105. Static topics are neither read nor written.
/// For senders of version 401 and above write it with `IntegerKeys::quoted`, else bare. Source: TopicRouteData.java.
struct TopicRouteData {
  std::vector<BrokerData> broker_datas;
  std::map<std::string, std::vector<std::string>> filter_server_table;
  std::optional<std::string> order_topic_conf;  ///< `broker-a:8;broker-b:8`.
  std::vector<QueueData> queue_datas;

  static TopicRouteData from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  friend bool operator==(const TopicRouteData&, const TopicRouteData&) = default;
};

/// Body of the answer to code 106. Source: ClusterInfo.java.
struct ClusterInfo {
  std::map<std::string, BrokerData> broker_addr_table;
  std::map<std::string, std::set<std::string>> cluster_addr_table;  ///< Broker names by cluster.

  static ClusterInfo from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 901. Source: BrokerMemberGroup.java.
struct BrokerMemberGroup {
  std::map<std::int64_t, std::string> broker_addrs;
  std::string broker_name;
  std::string cluster;

  /// Both work on the whole body, `{"brokerMemberGroup":{..}}`.
  static BrokerMemberGroup from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
