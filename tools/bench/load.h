// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "tools/bench/connection.h"
#include "tools/bench/frame_template.h"

namespace skylark::bench {

class Load;

/// A connection in the event loop, and whose it is.
struct Channel {
  std::unique_ptr<Connection> connection;
  Load* load = nullptr;
  std::size_t index = 0;  ///< Among the channels of that load.
  bool waits_for_room = false;
  bool unsent = false;
};

inline constexpr std::int64_t kNeverDue = std::numeric_limits<std::int64_t>::max();

/// One kind of work on the connections it was given by `EventLoop::connect`. Times are of the steady clock.
///
/// Threads: all calls come from the loop's one thread; what they append is sent when they return.
class Load {
 public:
  Load() = default;
  virtual ~Load() = default;
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Sends the first requests.
  virtual void begin(std::int64_t now_ns) = 0;
  /// `number` is what the request was sent with.
  virtual void on_answer(Channel& channel, std::int32_t number, const Answer& answer, std::string_view frame, std::int64_t now_ns) = 0;
  /// When `on_due` is to be called next.
  [[nodiscard]] virtual std::int64_t next_due_ns() const { return kNeverDue; }
  virtual void on_due(std::int64_t) {}
  /// The measured time is over: nothing new is to be sent, other than what rounds the work off.
  virtual void stop() {}
  /// After `stop`: whether nothing is awaited any more.
  [[nodiscard]] virtual bool drained() const = 0;
};

}  // namespace skylark::bench
