// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "client/message.h"

namespace skylark::client {

/// Messages of one queue that were pulled and not consumed: waiting here, or taken by the listener. From them follows which
/// offset may be committed: all before it is consumed.
///
/// Example: pulled 5..9, taken 5 and 6, finished 6: commit 5. Finished 5: commit 7.
/// Threads: one. Source: ProcessQueue.java.
class ProcessQueue {
 public:
  /// `position` is the first offset to be pulled.
  explicit ProcessQueue(std::int64_t position) : position_(position) {}

  /// Adds what one pull brought; `next_position` is where the next one begins, which may lie behind the last message since a
  /// filter took some out. Offsets known already are left alone.
  void put(std::vector<ReceivedMessage> messages, std::int64_t next_position);
  /// The oldest waiting messages, at most `count_max`; they count as taken until `finish` or `give_back`.
  [[nodiscard]] std::vector<ReceivedMessage> take(std::size_t count_max);
  /// These are consumed. Offsets that are not taken are ignored.
  void finish(const std::vector<std::int64_t>& offsets);
  /// These wait again, to be taken in their order.
  void give_back(std::vector<ReceivedMessage> messages);

  /// Everything before it is consumed.
  [[nodiscard]] std::int64_t commit_offset() const noexcept;
  /// Where the next pull begins.
  [[nodiscard]] std::int64_t position() const noexcept { return position_; }
  [[nodiscard]] bool has_waiting() const noexcept { return !waiting_.empty(); }
  [[nodiscard]] bool has_taken() const noexcept { return !taken_.empty(); }
  /// Waiting and taken.
  [[nodiscard]] std::size_t count() const noexcept { return waiting_.size() + taken_.size(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
  /// Offsets between the oldest and the newest message here; 0 when there is none.
  [[nodiscard]] std::int64_t span() const noexcept;

 private:
  std::map<std::int64_t, ReceivedMessage> waiting_;
  std::map<std::int64_t, std::size_t> taken_;  // Offset to bytes.
  std::int64_t position_;
  std::size_t size_bytes_ = 0;
};

}  // namespace skylark::client
