// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/message_store.h"

namespace skylark::broker {

/// Settings of the master's side of replication. Defaults are Java's (MessageStoreConfig.java 5.3).
struct HaServerOptions {
  std::string bind_address = "0.0.0.0";
  std::uint16_t port = 10912;                              ///< haListenPort; 0 lets the kernel choose.
  std::size_t batch_size_bytes = 32 * 1024;                ///< haTransferBatchSize: log bytes of one frame at most.
  std::chrono::milliseconds heartbeat_interval{5'000};     ///< haSendHeartbeatInterval.
  std::chrono::milliseconds housekeeping_interval{20'000}; ///< haHousekeepingInterval: silence that ends a connection.
  std::int64_t gap_in_sync_max_bytes = 256LL << 20;        ///< haMaxGapNotInSync.
};

/// One replica as the master sees it.
struct ReplicaStatus {
  std::string address;                    ///< `ip:port`.
  std::int64_t acknowledged = 0;          ///< End of what the replica has appended.
  std::int64_t transfer_from = 0;         ///< Next offset to be sent.
  std::int64_t behind_bytes = 0;
  std::int64_t bytes_per_second = 0;      ///< Log bytes sent in the last whole second.
  bool in_sync = false;
};

/// Serves the commit log to replicas over the classic HA protocol: a replica sends its end (8 bytes), the master streams frames of
/// {offset, size, log bytes} and hears acknowledgements of 8 bytes. A frame never spans two log files.
///
/// Threads: one thread of its own does all socket work; every member may be called from any thread, `stop()` not from that one.
/// Source: DefaultHAService.java, DefaultHAConnection.java 5.3; docs/format/replication.md.
class HaServer {
 public:
  HaServer(MessageStore& store, HaServerOptions options);
  ~HaServer();  ///< Stops.
  HaServer(const HaServer&) = delete;
  HaServer& operator=(const HaServer&) = delete;

  /// Errors: those of bind and listen.
  [[nodiscard]] Result<void> start();
  void stop();
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// The log has grown: replicas that wait get the new bytes. Cheap; called after every append.
  void wake() noexcept;
  [[nodiscard]] std::vector<ReplicaStatus> replicas() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace skylark::broker
