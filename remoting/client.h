// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "protocol/remoting_command.h"
#include "remoting/connection.h"
#include "remoting/counters.h"
#include "remoting/dispatcher.h"
#include "remoting/io_pool.h"

namespace skylark::remoting {

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds idle_timeout{120'000};
  std::size_t frame_size_max_bytes = kFrameSizeMax;
  /// Ask every peer for type 2 frames: the first request carries ext `codecs=2`; used once the peer has echoed it on that
  /// connection, forgotten on reconnect. Off for channels that must look like Java's.
  bool offer_flatbuffers = true;
};

/// Channels to peers by address (`host:port`), opened on demand, one each, and reopened after a loss.
/// Threads: every member may be called from any thread; callbacks run on io threads (after the pool has stopped, in the caller's).
/// Responses own their bytes. A request is sent in type 2 where the peer has agreed to it, else in its own codec (type 2 as JSON).
class Client {
 public:
  /// `dispatcher` serves requests that peers start on our channels (notify, check back); may be null: they get code 3.
  Client(IoPool& pool, ClientOptions options, Dispatcher* dispatcher = nullptr);
  ~Client();  ///< Stops.
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Calls back once: the response, or `cannot_connect`, `timed_out`, `closed` (lost, stopped or disconnected; it may have been
  /// served), `too_large`. The timeout includes connecting. The opaque is set here.
  void invoke(const std::string& address, RemotingCommand request, std::chrono::milliseconds timeout, ResponseCallback callback);
  /// Blocks the calling thread, which must not be an io thread of the pool.
  [[nodiscard]] Result<RemotingCommand> invoke_sync(const std::string& address, RemotingCommand request, std::chrono::milliseconds timeout);
  /// Errors are swallowed, as for every one-way request.
  void invoke_one_way(const std::string& address, RemotingCommand request);
  /// Closes the channel to that address, if any; its pending requests end with `closed`.
  void disconnect(const std::string& address);
  void stop();
  [[nodiscard]] const Counters& counters() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace skylark::remoting
