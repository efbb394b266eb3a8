// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "broker/message_store.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// A pull that waits for a message. Source: PullRequest.java.
struct HeldPull {
  RemotingCommand request;  ///< Owned.
  remoting::ConnectionPtr connection;
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;      ///< First offset wanted.
  std::int64_t expires_ms = 0;  ///< Steady clock.
  MessageFilterPtr filter;      ///< Null: every message is wanted.
};

/// Held pulls by queue, in shards with a mutex each. A pull leaves when a wanted message arrives, when it expires, or at stop; then
/// `resume` runs it again, with holding disabled. Source: PullRequestHoldService.java.
/// Threads: any. `resume` runs on the calling thread without a lock held.
class HeldPulls {
 public:
  using Resume = std::function<void(HeldPull pull)>;
  using MaxOffset = std::function<std::int64_t(const std::string& topic, std::int32_t queue_id)>;
  HeldPulls(Clock& clock, MaxOffset max_offset, Resume resume, std::size_t count_max = 100'000);
  ~HeldPulls();
  HeldPulls(const HeldPulls&) = delete;
  HeldPulls& operator=(const HeldPulls&) = delete;

  /// Registers, then looks at the queue's end again, so that a message that came in between wakes it at once.
  /// False when too many are held or it is stopped: the pull must be answered now.
  bool hold(HeldPull& pull);
  /// A message became readable. Pulls whose filter refuses it stay.
  void on_arrival(const ArrivedMessage& message);
  /// Resumes every pull of a queue: its offsets were reset.
  void wake_queue(const std::string& topic, std::int32_t queue_id);
  /// Resumes what has expired or whose queue has grown past its offset, whatever its filter says of the messages in between.
  void sweep();
  /// Resumes all; later pulls are not held.
  void stop();
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t kShards = 64;
  struct Shard;
  using Shards = std::array<Shard, kShards>;
  [[nodiscard]] Shard& shard_of(std::string_view topic, std::int32_t queue_id) const;
  template <class Wanted>
  void wake(Shard& shard, const QueueId& queue, Wanted wanted);

  Clock& clock_;
  MaxOffset max_offset_;
  Resume resume_;
  const std::size_t count_max_;
  std::unique_ptr<Shards> shards_;
  std::atomic<std::size_t> count_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace skylark::broker
