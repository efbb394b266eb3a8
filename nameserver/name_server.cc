// SPDX-License-Identifier: Apache-2.0
#include "nameserver/name_server.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "nameserver/requests.h"
#include "remoting/connection.h"
#include "remoting/dispatcher.h"
#include "remoting/server.h"

namespace skylark::nameserver {
namespace {

remoting::ServerOptions server_options(const NameServerConfig& settings) {
  remoting::ServerOptions options;
  options.bind_address = settings.bind_address.get();
  options.port = static_cast<std::uint16_t>(settings.listen_port.get());
  options.idle_timeout = std::chrono::seconds(settings.idle_time.get());
  return options;
}

}  // namespace

struct NameServer::Impl final : remoting::Dispatcher {
  explicit Impl(const NameServerParts& parts)
      : routes(parts.clock),
        kv_config(parts.files, parts.settings.kv_config_path.get()),
        context{parts.settings, parts.config, routes, kv_config, parts.clock, parts.clock.steady_ms()},
        server(parts.pool, server_options(parts.settings), *this) {
    add_broker_requests(requests, context);
    add_route_requests(requests, context);
    add_config_requests(requests, context);
  }

  remoting::Reply dispatch(RemotingCommand& request, const remoting::ConnectionPtr& connection) override {
    if (request.code == to_int(RequestCode::register_broker)) {
      const std::lock_guard lock(mutex);
      brokers[connection->id()] = connection;
    }
    return requests.answer(request, connection->id());
  }

  void on_close(const remoting::ConnectionPtr& connection) override {
    {
      const std::lock_guard lock(mutex);
      if (brokers.erase(connection->id()) == 0) return;
    }
    routes.connection_closed(connection->id());
  }

  void scan() {
    for (const auto id : routes.remove_silent()) {
      std::unique_lock lock(mutex);
      const auto found = brokers.find(id);
      const auto connection = found == brokers.end() ? nullptr : found->second.lock();
      lock.unlock();
      if (connection) connection->close();
    }
  }

  void scan_until_stopped() {
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, std::chrono::milliseconds(context.settings.scan_interval.get()), [this] { return stopping; })) {
      lock.unlock();
      scan();
      lock.lock();
    }
  }

  RouteTable routes;
  KvConfig kv_config;
  RequestContext context;
  RequestTable requests;

  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::map<std::uint64_t, std::weak_ptr<remoting::Connection>> brokers;  // Connections that carried a registration.
  std::thread scanner;
  remoting::Server server;
};

NameServer::NameServer(const NameServerParts& parts) : impl_(std::make_unique<Impl>(parts)) {}
NameServer::~NameServer() { stop(); }

Result<void> NameServer::start() {
  if (const auto loaded = impl_->kv_config.load(); !loaded) {
    throw ConfigError(fmt::format("{}: {}", impl_->context.settings.kv_config_path.get(), loaded.error().message()));
  }
  if (const auto started = impl_->server.start(); !started) return started;
  impl_->scanner = std::thread([impl = impl_.get()] { impl->scan_until_stopped(); });
  return {};
}

std::uint16_t NameServer::port() const noexcept { return impl_->server.port(); }

void NameServer::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  if (impl_->scanner.joinable()) impl_->scanner.join();
  impl_->server.stop();
}

void NameServer::scan_silent_brokers() { impl_->scan(); }
RouteTable& NameServer::routes() noexcept { return impl_->routes; }
KvConfig& NameServer::kv_config() noexcept { return impl_->kv_config; }
const remoting::Counters& NameServer::counters() const noexcept { return impl_->server.counters(); }

}  // namespace skylark::nameserver
