// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::remoting {

using ResponseCallback = std::function<void(Result<RemotingCommand>)>;

/// One TCP connection that carries frames both ways, accepted or opened by us. Lives and dies on one io thread.
/// Threads: every member may be called from any thread. (Implemented in tcp_connection.cc; an interface so that handlers are
/// compiled and tested without sockets.)
class Connection {
 public:
  virtual ~Connection() = default;

  /// Unique in this process, never reused.
  [[nodiscard]] virtual std::uint64_t id() const noexcept = 0;
  /// `ip:port` of the peer; an IPv4-mapped address is shown as IPv4.
  [[nodiscard]] virtual const std::string& remote_address() const noexcept = 0;
  [[nodiscard]] virtual const std::string& local_address() const noexcept = 0;
  [[nodiscard]] virtual bool is_open() const noexcept = 0;

  /// Queues the command, in `command.codec`, and writes it together with what else is queued. Dropped when closed.
  virtual void send(RemotingCommand&& command) = 0;
  /// Whether this thread is dispatching the requests of a read of this connection, and so `Dispatcher::on_dispatched` follows: until then
  /// answers can be put off.
  [[nodiscard]] virtual bool dispatching() const noexcept { return false; }
  /// Sends a request to the peer and calls back once, on this connection's io thread: the response, `timed_out` or `closed`.
  /// The opaque is set here.
  virtual void invoke(RemotingCommand request, std::chrono::milliseconds timeout, ResponseCallback callback) = 0;
  /// Sends a one-way request.
  virtual void invoke_one_way(RemotingCommand request) = 0;
  virtual void close() noexcept = 0;

  /// Codec for requests that we start on this connection: JSON unless the peer has sent binary frames or agreed on type 2.
  [[nodiscard]] virtual Codec preferred_codec() const noexcept = 0;
};

}  // namespace skylark::remoting
