// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "protocol/remoting_command.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "remoting/connection.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// Answers one request. `request` holds views into the receive buffer, which dies on return.
using HandlerFunction = std::function<remoting::Reply(RemotingCommand& request, const remoting::ConnectionPtr& connection)>;

/// Request code → function. Filled by the wiring before the server starts, then only read.
class HandlerTable {
 public:
  /// The code must not have a handler yet.
  void add(RequestCode code, HandlerFunction function);
  /// Binds `handler.handle(request, connection)`; the handler must outlive the table.
  template <class Handler>
  void add(RequestCode code, Handler& handler) {
    add(code,
        [&handler](RemotingCommand& request, const remoting::ConnectionPtr& connection) { return handler.handle(request, connection); });
  }
  [[nodiscard]] const HandlerFunction* find(std::int32_t code) const;
  /// Called when all requests of a read have been handled, on the same thread; what was put off is answered now.
  void set_on_dispatched(std::function<void(const remoting::ConnectionPtr&)> function) { on_dispatched_ = std::move(function); }
  void dispatched(const remoting::ConnectionPtr& connection) const {
    if (on_dispatched_) on_dispatched_(connection);
  }
  /// What is to be done once for all requests that came in one read, on the same thread, when they have been answered.
  void set_on_read_end(std::function<void()> function) { on_read_end_ = std::move(function); }
  void read_ended() const {
    if (on_read_end_) on_read_end_();
  }

 private:
  std::unordered_map<std::int32_t, HandlerFunction> functions_;
  std::function<void(const remoting::ConnectionPtr&)> on_dispatched_;
  std::function<void()> on_read_end_;
};

/// Remark of code 2 when a bounded queue is full. Source: NettyRemotingAbstract.java.
inline constexpr const char* kOverloadRemark = "[OVERLOAD]system busy, start flow control for a while";

/// Java's answer to a code without a handler: 3, ` request type <code> not supported`.
[[nodiscard]] RemotingCommand answer_not_supported(const RemotingCommand& request);
[[nodiscard]] RemotingCommand answer(const RemotingCommand& request, ResponseCode code, std::string remark = {});
/// A refusal for a header without a field it needs: code 1 with its name.
[[nodiscard]] RemotingCommand answer_missing(const RemotingCommand& request, std::string_view field);

/// Serves connections from a table. The fast port (listenPort - 2) refuses pulls. Client connections that close are reported.
class BrokerDispatcher final : public remoting::Dispatcher {
 public:
  using CloseListener = std::function<void(const remoting::ConnectionPtr&)>;
  BrokerDispatcher(const HandlerTable& table, bool fast_port, CloseListener on_close);
  remoting::Reply dispatch(RemotingCommand& request, const remoting::ConnectionPtr& connection) override;
  void on_dispatched(const remoting::ConnectionPtr& connection) override { table_.dispatched(connection); }
  void on_read_end() override { table_.read_ended(); }
  void on_close(const remoting::ConnectionPtr& connection) override;
  /// From now on sends are answered 14: the broker is about to stop. Threads: any.
  void refuse_sends() noexcept { refuse_sends_ = true; }

 private:
  const HandlerTable& table_;
  const bool fast_port_;
  std::atomic<bool> refuse_sends_{false};
  CloseListener on_close_;
};

}  // namespace skylark::broker
