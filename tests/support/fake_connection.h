// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "protocol/remoting_command.h"
#include "remoting/connection.h"

namespace skylark::remoting {

/// A connection without a socket for tests of handlers: keeps what is sent, and the requests whose answers the test gives.
class FakeConnection final : public Connection {
 public:
  explicit FakeConnection(std::string remote_address = "10.0.0.9:51234") : remote_address_(std::move(remote_address)) {}

  struct Invoked {
    RemotingCommand request;
    std::chrono::milliseconds timeout{};
    ResponseCallback callback;
  };

  /// Commands sent (responses) and one-way requests so far, taken.
  [[nodiscard]] std::vector<RemotingCommand> take_sent() {
    const std::lock_guard lock(mutex_);
    return std::exchange(sent_, {});
  }
  [[nodiscard]] std::vector<RemotingCommand> take_one_way() {
    const std::lock_guard lock(mutex_);
    return std::exchange(one_way_, {});
  }
  [[nodiscard]] std::vector<Invoked> take_invoked() {
    const std::lock_guard lock(mutex_);
    return std::exchange(invoked_, {});
  }

  std::uint64_t id() const noexcept override { return id_; }
  const std::string& remote_address() const noexcept override { return remote_address_; }
  const std::string& local_address() const noexcept override { return local_address_; }
  bool is_open() const noexcept override { return open_; }
  void send(RemotingCommand&& command) override {
    command.own();
    const std::lock_guard lock(mutex_);
    sent_.push_back(std::move(command));
  }
  void invoke(RemotingCommand request, std::chrono::milliseconds timeout, ResponseCallback callback) override {
    request.own();
    const std::lock_guard lock(mutex_);
    invoked_.push_back({std::move(request), timeout, std::move(callback)});
  }
  void invoke_one_way(RemotingCommand request) override {
    request.own();
    const std::lock_guard lock(mutex_);
    one_way_.push_back(std::move(request));
  }
  void close() noexcept override { open_ = false; }
  bool dispatching() const noexcept override { return reads; }
  /// Whether the requests are those of a read, whose end the test tells the dispatcher.
  bool reads = false;
  Codec preferred_codec() const noexcept override { return Codec::json; }

 private:
  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
  const std::uint64_t id_ = next_id();
  const std::string remote_address_;
  const std::string local_address_ = "10.0.0.1:10911";
  std::atomic<bool> open_{true};
  std::mutex mutex_;
  std::vector<RemotingCommand> sent_, one_way_;
  std::vector<Invoked> invoked_;
};

}  // namespace skylark::remoting
