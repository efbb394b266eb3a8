// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/client_channel.h"
#include "base/text_map.h"

namespace skylark::broker {

/// Producer groups that are online. Source: ProducerManager.java. Threads: any.
class ProducerManager {
 public:
  explicit ProducerManager(Clock& clock, std::chrono::milliseconds client_expiry = std::chrono::minutes(2));

  void register_producer(std::string_view group, const ClientChannel& client);
  void unregister_producer(std::string_view group, const ClientChannel& client);
  void on_connection_closed(const remoting::ConnectionPtr& connection);
  /// Removes clients without a heartbeat for 120 s. Called every 10 s.
  void expire();

  /// Empty when the group is not online.
  [[nodiscard]] std::vector<ClientChannel> clients(std::string_view group) const;
  [[nodiscard]] std::map<std::string, std::vector<ClientChannel>> all() const;
  [[nodiscard]] std::optional<ClientChannel> find_client(std::string_view client_id) const;
  /// An open connection of the group, a different one each time when there are several; for check-back. Source: getAvailableChannel.
  [[nodiscard]] std::optional<ClientChannel> next_client(std::string_view group);

 private:
  struct Member {
    ClientChannel client;
    std::int64_t seen_ms = 0;
  };
  struct Group {
    std::map<std::uint64_t, Member> members;  ///< By connection id.
    std::uint64_t last_asked = 0;
  };
  Clock& clock_;
  const std::int64_t client_expiry_ms_;
  mutable std::mutex mutex_;
  TextMap<Group> groups_;
};

}  // namespace skylark::broker
