// SPDX-License-Identifier: Apache-2.0
#include "remoting/server.h"

#include "base/error.h"
#include "base/log.h"
#include "remoting/detail/connection_group.h"
#include "remoting/detail/io_thread.h"
#include "remoting/detail/signal.h"
#include "remoting/detail/tcp_connection.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

namespace skylark::remoting {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr int kAcceptBurstMax = 64;
constexpr std::chrono::milliseconds kAcceptPause{100};  // Out of descriptors: there is nothing to do but wait for some.

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(IoPool& pool_, ServerOptions options_) : pool(pool_), options(std::move(options_)) {}

  [[nodiscard]] detail::IoThread& accept_thread() const { return pool.thread(0); }
  Result<void> listen();
  void arm_accept();
  void accept_all();
  void close_acceptor();

  IoPool& pool;
  const ServerOptions options;
  std::shared_ptr<detail::ConnectionGroup> group = std::make_shared<detail::ConnectionGroup>();
  std::atomic<std::uint16_t> port{0};
  std::mutex stop_mutex;
  bool stopped = false;

  // On the accepting thread, once started.
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> pause;
};

Result<void> Server::Impl::listen() {
  ErrorCode error;
  const asio::ip::address address = asio::ip::make_address(options.bind_address, error);
  if (error) return Errc::invalid_argument;
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor made(accept_thread().context);
  made.open(endpoint.protocol(), error);
  if (!error) made.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.is_v6()) made.set_option(asio::ip::v6_only(false), error);
  if (!error) made.bind(endpoint, error);
  if (!error) made.listen(1024, error);
  if (!error) made.non_blocking(true, error);
  if (error) return error;
  port = made.local_endpoint(error).port();
  if (error) return error;
  acceptor.emplace(std::move(made));
  pause.emplace(accept_thread().context);
  return {};
}

void Server::Impl::arm_accept() {
  acceptor->async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](const ErrorCode& error) {
    if (!error && self->acceptor) self->accept_all();
  });
}

void Server::Impl::accept_all() {
  for (int i = 0; i < kAcceptBurstMax; ++i) {
    detail::IoThread& thread = pool.least_loaded_thread();
    ErrorCode error;
    tcp::socket socket = acceptor->accept(thread.context, error);
    if (!error) {
      detail::TcpConnection::accepted(group, thread, std::move(socket));
      continue;
    }
    if (error == asio::error::would_block || error == asio::error::try_again) break;
    if (error == asio::error::connection_aborted || error == asio::error::interrupted) continue;
    log::warn("port {}: cannot accept: {}", port.load(), error.message());
    pause->expires_after(kAcceptPause);
    pause->async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
      if (!cancelled && self->acceptor) self->arm_accept();
    });
    return;
  }
  arm_accept();
}

void Server::Impl::close_acceptor() {
  if (!acceptor) return;
  ErrorCode ignored;
  acceptor->close(ignored);
  acceptor.reset();
  pause.reset();
}

Server::Server(IoPool& pool, ServerOptions options, Dispatcher& dispatcher) : impl_(std::make_shared<Impl>(pool, std::move(options))) {
  detail::ConnectionGroup& group = *impl_->group;
  group.role = detail::ConnectionGroup::Role::server;
  group.dispatcher = &dispatcher;
  group.frame_size_max_bytes = impl_->options.frame_size_max_bytes;
  group.unsent_max_bytes = impl_->options.unsent_max_bytes;
  group.idle_timeout = impl_->options.idle_timeout;
}

Server::~Server() { stop(); }

Result<void> Server::start() {
  const Result<void> listening = impl_->listen();
  if (!listening) return listening;
  asio::post(impl_->accept_thread().context, [impl = impl_] {
    if (impl->acceptor) impl->arm_accept();
  });
  return {};
}

std::uint16_t Server::port() const noexcept { return impl_->port.load(); }

void Server::stop_accepting() {
  if (impl_->accept_thread().is_current()) return impl_->close_acceptor();
  if (impl_->pool.is_stopped()) return impl_->close_acceptor();
  const auto closed = std::make_shared<detail::Signal>();
  asio::post(impl_->accept_thread().context, [impl = impl_, closed] {
    impl->close_acceptor();
    closed->set();
  });
  if (!IoPool::in_io_thread()) closed->wait();
}

void Server::stop() {
  const std::lock_guard lock(impl_->stop_mutex);
  if (std::exchange(impl_->stopped, true)) return;
  stop_accepting();
  detail::ConnectionGroup::stop(impl_->group, impl_->pool);
}

const Counters& Server::counters() const noexcept { return impl_->group->counters; }

}  // namespace skylark::remoting
