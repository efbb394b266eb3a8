// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/remoting_command.h"
#include "remoting/connection.h"
#include "remoting/dispatcher.h"

namespace skylark::remoting::test {

using namespace std::chrono_literals;

/// How long a test waits for what must happen: far longer than it takes on a machine that is busy with other things.
inline constexpr std::chrono::seconds kPatience{60};

/// Waits until `condition` holds; false when it does not within `kPatience`.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

/// Request codes that `Service` knows.
enum Code : std::int32_t { kEcho = 1000, kDefer = 1001, kThrow = 1002, kLarge = 1003, kCallBack = 1004, kClose = 1005, kStore = 1006 };

/// Answers requests: echo, an answer that waits for `release()`, an exception, a body of the size that ext `size` names (`kStore`: as
/// pinned slices of it), a call back to the peer; anything else is code 3.
class Service final : public Dispatcher {
 public:
  Reply dispatch(RemotingCommand& request, const ConnectionPtr& connection) override;
  void on_open(const ConnectionPtr& connection) override;
  void on_close(const ConnectionPtr& connection) override;

  /// Answers everything that `kDefer` has put off.
  void release();
  [[nodiscard]] std::size_t deferred() const;
  [[nodiscard]] ConnectionPtr last_opened() const;

  std::atomic<int> requests{0};
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> called_back{0};  ///< Answers from the peer to `kCallBack`.
  std::atomic<int> pins{0};         ///< Slices of `kStore` that are still held.
  std::atomic<int> dispatched_after_close{0};

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<Responder, std::string>> deferred_;
  ConnectionPtr last_opened_;
};

[[nodiscard]] RemotingCommand request(std::int32_t code, std::string body = {}, std::int32_t opaque = 0);
[[nodiscard]] RemotingCommand one_way(std::int32_t code, std::string body = {});
[[nodiscard]] std::string encoded(const RemotingCommand& command);
[[nodiscard]] std::string encoded(const std::vector<RemotingCommand>& commands);

/// A peer that talks through a plain blocking socket and thus may break every rule.
class RawPeer {
 public:
  /// Connects to a server on loopback.
  explicit RawPeer(std::uint16_t port);
  /// Takes a connected socket over.
  explicit RawPeer(int descriptor) noexcept : descriptor_(descriptor) {}
  RawPeer(RawPeer&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), read_(std::move(other.read_)) {}
  ~RawPeer();

  void write(std::string_view bytes);
  /// Writes until the peer does not take more for a moment, or closes; gives the number of bytes taken.
  std::size_t write_until_blocked(std::string_view bytes_over_and_over);
  /// The next whole frame; empty when the connection ends or nothing comes within `kPatience`.
  [[nodiscard]] std::optional<RemotingCommand> read();
  /// True once the peer has closed; what it sends before is dropped.
  [[nodiscard]] bool reads_end();
  void finish_writing();

 private:
  int descriptor_;
  std::string read_;
};

/// A listening socket that a test answers by hand.
class RawServer {
 public:
  RawServer();
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] RawPeer accept();

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

/// A port on loopback on which nobody listens while this lives.
class SilentPort {
 public:
  SilentPort();
  ~SilentPort();
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

}  // namespace skylark::remoting::test
