// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/remoting_command.h"

namespace skylark::bench {

/// One connection of the load. It starts blocking, for set-up by `call`; `start()` makes it non-blocking for the event loop.
///
/// An idle connection holds no buffers, so that tens of thousands fit. Threads: one for all connections. The socket is closed by the
/// destructor. Errors: `BenchError`, a broken connection included: a load that lost one measures something else.
class Connection {
 public:
  Connection(const std::string& host, std::uint16_t port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return socket_; }

  /// Sends one request and waits for its answer, which views into this connection until the next call.
  RemotingCommand call(RemotingCommand request);
  /// Calls `count` times with up to 128 requests on the way: `make(i)` gives a request, `on_answer(i, answer)` sees its answer.
  void call_each(std::size_t count, const std::function<RemotingCommand(std::size_t)>& make,
                 const std::function<void(std::size_t, const RemotingCommand&)>& on_answer);
  /// Agrees on type 2 headers. Errors: the broker does not know them.
  void agree_on_flatbuffers();

  void start();
  /// Appends a copy of a frame to what waits to be sent and returns the copy, for patching before `flush`.
  char* append(std::string_view frame);
  /// Writes what waits. Returns whether all of it went out; if not, the socket must become writable first.
  bool flush();
  /// Reads once and hands every whole frame, without its length word, to `on_frame`. A frame is valid during that call.
  template <class OnFrame>
  void drain(OnFrame&& on_frame) {
    std::string_view bytes = receive();
    std::string_view frame;
    while (next_frame(bytes, frame)) on_frame(frame);
    keep(bytes);
  }

 private:
  std::string_view receive();
  static bool next_frame(std::string_view& bytes, std::string_view& frame);
  void keep(std::string_view rest);

  int socket_ = -1;
  std::string out_;
  std::size_t written_ = 0;
  std::string partial_;  // Of a frame that has not come whole; what is whole is read from a buffer shared by all connections.
};

}  // namespace skylark::bench
