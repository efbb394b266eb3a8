// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace skylark {
class Clock;
class FileSystem;
}  // namespace skylark

namespace skylark::remoting {
class IoPool;
}

namespace skylark::nameserver {

/// A name server inside another program (`mqbroker --standalone`): default settings but for the port and the folder of its files.
///
/// Life and threads: as `NameServer`. What it is given outlives it.
class EmbeddedNameServer {
 public:
  /// `folder` gets kvConfig.json and namesrv.properties; port 0 is chosen by the system.
  EmbeddedNameServer(std::uint16_t port, const std::string& folder, FileSystem& files, Clock& clock, remoting::IoPool& pool);
  ~EmbeddedNameServer();
  EmbeddedNameServer(const EmbeddedNameServer&) = delete;
  EmbeddedNameServer& operator=(const EmbeddedNameServer&) = delete;

  /// As `NameServer::start`.
  [[nodiscard]] Result<void> start();
  [[nodiscard]] std::uint16_t port() const noexcept;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skylark::nameserver
