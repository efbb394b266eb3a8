// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "protocol/remoting_command.h"

namespace skylark::remoting {

class Connection;
using ConnectionPtr = std::shared_ptr<Connection>;

/// What a handler gives back: a response to be sent now, or word that a `Responder` will answer, or nothing at all.
class Reply {
 public:
  Reply(RemotingCommand&& response) : response_(std::move(response)) {}
  /// An empty response, to be filled in where it is: a command is large to move.
  static Reply blank() {
    Reply reply;
    reply.response_.emplace();
    return reply;
  }
  /// The request is answered later, through a `Responder` taken before.
  static Reply deferred() { return Reply{}; }
  /// The request gets no answer.
  static Reply none() { return Reply{}; }

  [[nodiscard]] bool has_response() const noexcept { return response_.has_value(); }
  [[nodiscard]] RemotingCommand& response() noexcept { return *response_; }
  [[nodiscard]] RemotingCommand take() { return std::move(*response_); }

 private:
  /// Written out, or `Reply{}` would set all the room of a response to zero: 1.1 KB for each request that is answered later.
  Reply() noexcept {}
  std::optional<RemotingCommand> response_;
};

/// The right to answer one request later, from any thread; cheap to copy. An answer to a one-way request or to a closed
/// connection goes nowhere.
class Responder {
 public:
  Responder() = default;
  Responder(ConnectionPtr connection, const RemotingCommand& request);
  Responder(ConnectionPtr connection, std::int32_t opaque, Codec codec, bool one_way);
  /// Sets opaque, flag and codec, and sends. Call it once.
  void respond(RemotingCommand response) const;
  [[nodiscard]] const ConnectionPtr& connection() const noexcept { return connection_; }
  explicit operator bool() const noexcept { return connection_ != nullptr; }

 private:
  ConnectionPtr connection_;
  std::int32_t opaque_ = 0;
  Codec codec_ = Codec::json;
  bool one_way_ = false;
};

/// Takes requests off connections. All members run on the connection's io thread, hence on several threads at once for
/// several connections, and must not block.
class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  /// `request` holds views into the receive buffer, which dies after the answer was encoded: what is kept longer must be made owned.
  /// The response may hold views into the request, and others that are good until the next dispatch on this thread.
  virtual Reply dispatch(RemotingCommand& request, const ConnectionPtr& connection) = 0;
  /// All requests of one read have been dispatched. What was put off until now is answered through `Connection::send`.
  virtual void on_dispatched(const ConnectionPtr&) {}
  /// The answers that are there have been written as far as the socket takes them.
  virtual void on_read_end() {}
  virtual void on_open(const ConnectionPtr&) {}
  /// Once for each opened connection, after its last request.
  virtual void on_close(const ConnectionPtr&) {}
};

}  // namespace skylark::remoting
