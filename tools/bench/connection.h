// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/remoting_command.h"

namespace skylark::bench {

/// One connection of the load. It starts blocking, for set-up by `call`; `start()` makes it non-blocking for the event loop.
///
/// Threads: one. The socket is closed by the destructor. Errors: `BenchError`, a broken connection included: a load that lost one
/// measures something else.
class Connection {
 public:
  Connection(const std::string& host, std::uint16_t port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return socket_; }

  /// Sends one request and waits for its answer, which views into this connection until the next call.
  RemotingCommand call(RemotingCommand request);
  /// Agrees on type 2 headers. Errors: the broker does not know them.
  void agree_on_flatbuffers();

  void start();
  /// Appends a copy of a frame to what waits to be sent and returns the copy, for patching before `flush`.
  char* append(std::string_view frame);
  /// Writes what waits. Returns whether all of it went out; if not, the socket must become writable first.
  bool flush();
  /// Reads once and hands every whole frame, without its length word, to `on_frame`.
  template <class OnFrame>
  void drain(OnFrame&& on_frame) {
    receive();
    std::string_view frame;
    while (next_frame(frame)) on_frame(frame);
  }

 private:
  void receive();
  bool next_frame(std::string_view& frame);
  std::string_view read_frame();

  int socket_ = -1;
  std::string out_;
  std::size_t written_ = 0;
  std::vector<char> in_;  // Bytes [begin_, end_) wait to be taken apart.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace skylark::bench
