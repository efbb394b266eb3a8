// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace skylark {
class Clock;
class Config;
class FileSystem;
}  // namespace skylark

namespace skylark::remoting {
class IoPool;
struct Counters;
}  // namespace skylark::remoting

namespace skylark::nameserver {

struct NameServerConfig;
class RouteTable;
class KvConfig;

/// What a name server stands on; all of it outlives the name server.
struct NameServerParts {
  NameServerConfig& settings;
  Config& config;  ///< Holds `settings`, for the requests that read and change them.
  FileSystem& files;
  Clock& clock;
  remoting::IoPool& pool;
};

/// The directory of brokers: they register every 30 s, clients and tools ask for routes. Keeps no state that brokers cannot give
/// again but the key-value configuration.
///
/// Life:    construct, `start()`, `stop()`; the destructor stops too.
/// Threads: `start` and `stop` from one thread, not an io thread; the rest from any.
/// Source:  NamesrvController.java, DefaultRequestProcessor.java, ClientRequestProcessor.java 5.3.3.
class NameServer {
 public:
  explicit NameServer(const NameServerParts& parts);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  /// Loads the key-value configuration, listens and starts to look for silent brokers. Errors: those of bind (`address_in_use`).
  /// Throws `ConfigError` when that file is broken: going on would overwrite it at the next change.
  [[nodiscard]] Result<void> start();
  /// The port it listens on, once started.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Closes every connection and joins its thread; the pool goes on.
  void stop();

  /// Drops brokers that have been silent for too long; runs by itself every `scanNotActiveBrokerInterval`.
  void scan_silent_brokers();

  [[nodiscard]] RouteTable& routes() noexcept;
  [[nodiscard]] KvConfig& kv_config() noexcept;
  [[nodiscard]] const remoting::Counters& counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skylark::nameserver
