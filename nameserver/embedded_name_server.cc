// SPDX-License-Identifier: Apache-2.0
#include "nameserver/embedded_name_server.h"

#include <optional>

#include "base/config.h"
#include "nameserver/name_server.h"
#include "nameserver/name_server_config.h"

namespace skylark::nameserver {

struct EmbeddedNameServer::Impl {
  Impl(std::uint16_t port, const std::string& folder, FileSystem& files, Clock& clock, remoting::IoPool& pool) {
    config.set("listenPort", std::to_string(port), Origin::flag);
    config.set("kvConfigPath", folder + "/kvConfig.json", Origin::flag);
    config.set("configStorePath", folder + "/namesrv.properties", Origin::flag);
    server.emplace(NameServerParts{settings, config, files, clock, pool});
  }

  NameServerConfig settings;
  Config config{{&settings}};
  std::optional<NameServer> server;
};

EmbeddedNameServer::EmbeddedNameServer(std::uint16_t port, const std::string& folder, FileSystem& files, Clock& clock, remoting::IoPool& pool)
    : impl_(std::make_unique<Impl>(port, folder, files, clock, pool)) {}
EmbeddedNameServer::~EmbeddedNameServer() = default;

Result<void> EmbeddedNameServer::start() { return impl_->server->start(); }
std::uint16_t EmbeddedNameServer::port() const noexcept { return impl_->server->port(); }
void EmbeddedNameServer::stop() { impl_->server->stop(); }

}  // namespace skylark::nameserver
