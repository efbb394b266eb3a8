// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/bodies/heartbeat.h"
#include "protocol/json.h"
#include "protocol/language.h"

namespace skylark {

/// One client as tools see it. Source: Connection.java.
struct ClientConnection {
  std::string client_addr;  ///< `ip:port`.
  std::string client_id;
  Language language = Language::java;
  std::int32_t version = 0;

  static ClientConnection from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 203. Source: ConsumerConnection.java.
struct ConsumerConnection {
  std::vector<ClientConnection> connections;
  std::string consume_from_where = "CONSUME_FROM_LAST_OFFSET";  ///< These three as in `ConsumerData`.
  std::string consume_type = "CONSUME_PASSIVELY";
  std::string message_model = "CLUSTERING";
  std::map<std::string, SubscriptionData> subscriptions;  ///< By topic.

  static ConsumerConnection from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 204. Source: ProducerConnection.java.
struct ProducerConnection {
  std::vector<ClientConnection> connections;

  static ProducerConnection from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// One producer in the answer to code 328. Source: ProducerInfo.java.
struct ProducerInfo {
  std::string client_id;
  Language language = Language::java;
  std::int64_t last_update_timestamp = 0;
  std::string remote_ip;  ///< `/ip:port`, with the slash.
  std::int32_t version = 0;

  static ProducerInfo from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 328. Source: ProducerTableInfo.java.
struct ProducerTableInfo {
  std::map<std::string, std::vector<ProducerInfo>> data;  ///< By group.

  static ProducerTableInfo from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
