// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/message.h"
#include "client/options.h"
#include "client/outcome.h"
#include "client/task.h"

namespace skylark::client {

class PullCore;

/// What one `pull` found.
struct PullBatch {
  std::vector<ReceivedMessage> messages;
  std::int64_t next_offset = 0;  ///< Where to go on: behind the messages, or where the queue begins or ends if the offset was outside.
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;   ///< The next offset to be written.
};

/// Reads messages when the application asks for them, from queues it names or from its share of a topic.
///
/// Life:    `start()` once, then assign or subscribe (one of both), then poll; `shutdown()` once, as does the destructor.
/// Threads: every member from any thread. Failures of all: network, `closed`, `not_found`, or a response code.
/// Source:  DefaultLitePullConsumer.java.
class PullConsumer {
 public:
  explicit PullConsumer(PullConsumerOptions options);
  ~PullConsumer();
  PullConsumer(const PullConsumer&) = delete;
  PullConsumer& operator=(const PullConsumer&) = delete;

  Outcome<> start();
  void shutdown();
  [[nodiscard]] const std::string& client_id() const noexcept;

  /// Reads exactly these queues from now on; queues that were assigned before keep their place.
  Outcome<> assign(std::vector<MessageQueue> queues);
  /// Reads this client's share among the group's members. `expression`: `*` or tags as `a || b`.
  Outcome<> subscribe(std::string topic, const std::string& expression = "*");
  Outcome<std::vector<MessageQueue>> assignment();

  /// Messages in the order of offsets within each queue, at most `count_max`; none when `timeout` passed without one.
  Outcome<std::vector<ReceivedMessage>> poll(milliseconds timeout, std::size_t count_max = 32);

  /// The next message polled of that queue is the first at `offset` or behind it. Failures: `not_found` when it is not assigned.
  Outcome<> seek(MessageQueue queue, std::int64_t offset);
  Outcome<> seek_to_begin(MessageQueue queue);
  Outcome<> seek_to_end(MessageQueue queue);
  /// To the first message stored at that time (milliseconds since the epoch) or later.
  Outcome<> seek_to_time(MessageQueue queue, std::int64_t timestamp_ms);

  /// Tells the brokers that everything polled so far is consumed.
  Outcome<> commit();
  Outcome<> commit(MessageQueue queue, std::int64_t offset);
  /// What the group committed; empty when it never did.
  Outcome<std::optional<std::int64_t>> committed(MessageQueue queue);

  Outcome<std::vector<MessageQueue>> queues_of(std::string topic);
  Outcome<std::int64_t> min_offset(MessageQueue queue);
  Outcome<std::int64_t> max_offset(MessageQueue queue);
  Outcome<std::int64_t> offset_by_time(MessageQueue queue, std::int64_t timestamp_ms);

  /// One pull beside all assignments, which are not touched. `hold`: how long the broker may wait for a message.
  Outcome<PullBatch> pull(MessageQueue queue, std::int64_t offset, std::int32_t count_max = 32, milliseconds hold = milliseconds(0));

  // Coroutine forms.
  Task<Outcome<std::vector<ReceivedMessage>>> co_poll(milliseconds timeout, std::size_t count_max = 32);
  Task<Outcome<PullBatch>> co_pull(MessageQueue queue, std::int64_t offset, std::int32_t count_max = 32,
                                   milliseconds hold = milliseconds(0));
  Task<Outcome<>> co_assign(std::vector<MessageQueue> queues);
  Task<Outcome<>> co_seek(MessageQueue queue, std::int64_t offset);
  Task<Outcome<>> co_commit();

 private:
  std::unique_ptr<PullCore> core_;
};

}  // namespace skylark::client
