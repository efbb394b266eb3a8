// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/message_store.h"

namespace skylark::broker {

/// Settings of a replica's side. Defaults are Java's.
struct HaClientOptions {
  std::chrono::milliseconds reconnect_delay{5'000};
  std::chrono::milliseconds heartbeat_interval{5'000};
  std::chrono::milliseconds housekeeping_interval{20'000};
};

/// What a replica knows of its master's stream.
struct HaClientStatus {
  std::string master_address;
  bool connected = false;
  std::int64_t bytes_per_second = 0;
  std::int64_t last_read_ms = 0;   ///< Unix time; 0 before the first.
  std::int64_t last_write_ms = 0;
};

/// Follows a master's commit log over the classic HA protocol and appends its bytes verbatim.
///
/// A frame that does not begin at the end of the own log ends the connection; the next one asks again from the real end.
/// Threads: one thread of its own; every member may be called from any other thread.
/// Source: DefaultHAClient.java 5.3; docs/format/replication.md.
class HaClient {
 public:
  HaClient(MessageStore& store, HaClientOptions options);
  ~HaClient();  ///< Stops.
  HaClient(const HaClient&) = delete;
  HaClient& operator=(const HaClient&) = delete;

  void start();
  void stop();
  /// `host:port` of the master's HA port; empty means that there is none to follow. A change ends the present connection.
  void set_master(const std::string& address);
  [[nodiscard]] HaClientStatus status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace skylark::broker
