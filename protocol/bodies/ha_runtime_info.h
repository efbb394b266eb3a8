// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/json.h"

namespace skylark {

/// State of replication on one broker: body of the answer to code 907. Source: HARuntimeInfo.java.
struct HaRuntimeInfo {
  /// One replica, as its master sees it.
  struct Connection {
    std::string addr;
    std::int64_t diff = 0;  ///< Bytes that the replica is behind.
    bool in_sync = false;
    std::int64_t slave_ack_offset = 0;
    std::int64_t transfer_from_where = 0;
    std::int64_t transferred_bytes_in_second = 0;

    [[nodiscard]] static Connection from_json(const json::Value& value);
    [[nodiscard]] json::Value to_json() const;
  };
  /// A replica, as it sees itself.
  struct Client {
    std::int64_t last_read_timestamp = 0;
    std::int64_t last_write_timestamp = 0;
    std::optional<std::string> master_addr;
    std::int64_t master_flush_offset = 0;
    std::int64_t max_offset = 0;
    std::int64_t transferred_bytes_in_second = 0;

    [[nodiscard]] static Client from_json(const json::Value& value);
    [[nodiscard]] json::Value to_json() const;
  };

  Client client;
  std::vector<Connection> connections;
  std::int32_t in_sync_slave_count = 0;
  bool master = false;
  std::int64_t master_commit_log_max_offset = 0;

  [[nodiscard]] static HaRuntimeInfo from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
