// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/message.h"
#include "client/options.h"
#include "client/outcome.h"

namespace skylark::client {

/// Progress of a group in one queue.
struct QueueProgress {
  MessageQueue queue;
  std::int64_t broker_offset = 0;    ///< The next offset to be written.
  std::int64_t consumer_offset = 0;  ///< What the group committed.
  [[nodiscard]] std::int64_t lag() const noexcept { return broker_offset - consumer_offset; }
};

/// The administration that applications and tests need. All members block.
///
/// Failures: network, `not_found`, or a response code. Threads: any.
/// Source:   DefaultMQAdminExt.java.
class Admin {
 public:
  explicit Admin(ClientOptions options);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  Outcome<> start();
  void shutdown();

  /// Creates or changes a topic on every master known to the name server.
  Outcome<> create_topic(std::string topic, std::int32_t queue_count = 8);
  /// Returns when clients can find the topic and all its masters; `timed_out` after `timeout`.
  Outcome<> await_route(std::string topic, milliseconds timeout = milliseconds(30'000));
  Outcome<> create_group(std::string group, std::int32_t retry_times_max = 16);

  /// Moves a group to where each queue of the topic was at that time (milliseconds since the epoch; negative: to the end),
  /// whether its consumers run or not. Gives the new offsets.
  Outcome<std::map<MessageQueue, std::int64_t>> reset_offset_by_time(std::string group, std::string topic, std::int64_t timestamp_ms);

  /// By the id that tells where it is stored.
  Outcome<ReceivedMessage> message_by_offset_id(std::string offset_message_id);
  /// Messages with that business key, stored between the two times; at most `count_max` from each broker.
  Outcome<std::vector<ReceivedMessage>> messages_by_key(std::string topic, std::string key, std::int32_t count_max = 32,
                                                        std::int64_t begin_ms = 0, std::int64_t end_ms = INT64_MAX);
  /// By the id that the producer gave it. `not_found` when the broker has not indexed it (yet).
  Outcome<ReceivedMessage> message_by_unique_key(std::string topic, std::string unique_key);

  Outcome<std::vector<QueueProgress>> consume_stats(std::string group, std::string topic);
  /// Ids of the live members of a group; none when it is offline.
  Outcome<std::vector<std::string>> members_of(std::string group);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace skylark::client
