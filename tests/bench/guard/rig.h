// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/remoting_command.h"

namespace skylark::guard {

constexpr std::string_view kTopic = "GuardTopic";

/// The path of a request through the broker without its socket: frame, handler table, handler, store on disk, encoded answer.
///
/// The clock stands still, so that nothing depends on when it runs. Everything measured happens on the calling thread.
/// Set-up throws `std::runtime_error`.
class RequestRig {
 public:
  RequestRig();
  ~RequestRig();

  /// A frame without its length word, as a connection hands it on.
  [[nodiscard]] static std::string send_frame(Codec codec, std::string_view topic = kTopic);
  /// Asks for the first 32 messages of the queue.
  [[nodiscard]] static std::string pull_frame(Codec codec);

  void add_topic(std::string_view name);
  /// What a connection does with one frame; the answer's bytes are dropped. Throws unless the answer is a success.
  void serve(std::string_view frame);
  /// Waits until the queue shows at least that many messages.
  void wait_until_readable(std::int64_t count);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// What follows a record into consume queue and key index, without the thread that does it in a broker.
class IndexRig {
 public:
  IndexRig();
  ~IndexRig();

  /// Enters the next record of one queue.
  void add();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace skylark::guard
