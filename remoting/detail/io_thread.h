// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "protocol/remoting_command.h"

namespace skylark::remoting::detail {

class TcpConnection;

/// What one io thread owns: its loop, the read buffer of all its connections, and the connections themselves.
/// Threads: the io thread alone, but for the two members that say otherwise.
struct IoThread {
  static constexpr std::size_t kReadSize = 256u * 1024;
  static constexpr std::size_t kSpareSize = 64;  ///< Readable behind what was read: parsers may look past the end.
  static constexpr std::chrono::seconds kTick{1};

  explicit IoThread(std::size_t number);
  ~IoThread();

  /// Any thread.
  [[nodiscard]] bool is_current() const noexcept;
  /// Any thread; connections that are promised to this thread count.
  std::atomic<std::size_t> connection_count{0};

  void add(std::shared_ptr<TcpConnection> connection);
  void remove(TcpConnection& connection);

  /// Runs the loop until the context is stopped; what a handler throws is logged and the loop goes on.
  void run();
  /// Runs what a stopped loop has left behind, in the calling thread.
  void run_leftovers();

  const std::size_t number;
  boost::asio::io_context context{1};
  std::unique_ptr<char[]> read_buffer;
  DecodeScratch scratch;  ///< Of the frame that is being handled.
  std::vector<std::shared_ptr<TcpConnection>> connections;

 private:
  void arm_tick();
  void tick();

  boost::asio::steady_timer tick_timer_{context};
  bool tick_armed_ = false;
};

}  // namespace skylark::remoting::detail
