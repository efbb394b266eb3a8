// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace skylark::remoting {

/// What a server or client channel counts. Written on io threads, read from any.
struct Counters {
  std::atomic<std::uint64_t> connections_opened{0};
  std::atomic<std::uint64_t> connections_closed{0};
  std::atomic<std::uint64_t> frames_rejected{0};       ///< Connections ended for a frame that breaks the format or the size bound.
  std::atomic<std::uint64_t> connections_idle{0};      ///< Ended for silence, or for a frame that never got whole.
  std::atomic<std::uint64_t> connections_overrun{0};   ///< Ended since the peer did not read its answers.
  std::atomic<std::uint64_t> requests_timed_out{0};    ///< Requests of ours without an answer in time.
  std::array<std::atomic<std::uint64_t>, 3> frames_received{};  ///< By codec: JSON, ROCKETMQ, FlatBuffers.
  std::array<std::atomic<std::uint64_t>, 3> frames_sent{};
};

}  // namespace skylark::remoting
