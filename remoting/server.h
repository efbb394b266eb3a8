// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "protocol/remoting_command.h"
#include "remoting/counters.h"
#include "remoting/dispatcher.h"
#include "remoting/io_pool.h"

namespace skylark::remoting {

struct ServerOptions {
  std::string bind_address = "0.0.0.0";
  std::uint16_t port = 0;                                ///< 0: chosen by the kernel, see `Server::port()`.
  std::size_t frame_size_max_bytes = kFrameSizeMax;      ///< With the length word.
  std::chrono::milliseconds idle_timeout{120'000};       ///< No read and no write for that long ends a connection; so does a frame not whole after it.
  std::size_t unsent_max_bytes = 64u << 20;              ///< Above it the connection is not read; after `idle_timeout` without progress it is closed.
};

/// Accepts connections and feeds their frames to a dispatcher. All whole frames of one read are handled before one write.
/// A bad frame ends its connection with one log line and a counter, and touches nothing else.
class Server {
 public:
  Server(IoPool& pool, ServerOptions options, Dispatcher& dispatcher);
  ~Server();  ///< Stops.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and starts to accept. Errors: those of bind and listen (`address_in_use`).
  [[nodiscard]] Result<void> start();
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Stops accepting; open connections go on.
  void stop_accepting();
  /// Closes everything and waits until every `on_close` has run. Not from an io thread.
  void stop();
  [[nodiscard]] const Counters& counters() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace skylark::remoting
