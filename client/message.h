// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace skylark::client {

/// One queue of a topic on one broker group. Ordered as Java orders it: topic, broker name, queue id. Source: MessageQueue.java.
struct MessageQueue {
  std::string topic;
  std::string broker_name;
  std::int32_t queue_id = 0;

  /// `broker-a/Topic/3`, for logs and people.
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const MessageQueue&, const MessageQueue&) = default;
};

/// A message to be sent. Names and property values must hold neither 0x01 nor 0x02.
struct Message {
  std::string topic;
  std::string body;
  std::int32_t flag = 0;                          ///< For the application; brokers carry it.
  std::map<std::string, std::string> properties;  ///< Of the application and, by the functions below, of RocketMQ.

  Message() = default;
  Message(std::string topic_name, std::string content) : topic(std::move(topic_name)), body(std::move(content)) {}

  /// What consumers filter by: one word.
  Message& set_tag(std::string tag);
  /// Business keys, by which the message can be queried.
  Message& set_keys(const std::vector<std::string>& keys);
  /// 1..18: stored at once, delivered after the broker's `messageDelayLevel` of that number. 0: at once.
  Message& set_delay_level(std::int32_t level);
  /// Whether the answer waits for the disk and the replicas as the broker is configured; true unless said otherwise.
  Message& set_wait_stored(bool wait);
  Message& set_property(std::string name, std::string value);

  /// Empty when there is no such property.
  [[nodiscard]] std::string property(std::string_view name) const;
  [[nodiscard]] std::string tag() const;
  [[nodiscard]] std::string keys() const;
};

/// How a send ended that the broker answered: stored in every case; the other words say what was not confirmed in time.
enum class SendStatus { ok, flush_disk_timeout, flush_replica_timeout, replica_not_available };
[[nodiscard]] std::string_view to_string(SendStatus status) noexcept;

struct SendResult {
  SendStatus status = SendStatus::ok;
  std::string message_id;         ///< UNIQ_KEY; for a batch the keys joined by commas.
  std::string offset_message_id;  ///< Where it is stored; for a batch the ids joined by commas.
  MessageQueue queue;
  std::int64_t queue_offset = 0;  ///< Of the first message of a batch. For a delayed or half message: in the queue it waits in.
  std::string transaction_id;
  std::string region;
};

/// A message as a consumer gets it: the body in clear, a retried message under its real topic.
struct ReceivedMessage {
  std::string topic;
  std::string body;
  std::int32_t flag = 0;
  std::map<std::string, std::string> properties;
  std::string message_id;         ///< UNIQ_KEY, or the offset id where there is none.
  std::string offset_message_id;
  MessageQueue queue;             ///< Where it was read: for a retried message the queue of the retry topic.
  std::int64_t queue_offset = 0;
  std::int64_t physical_offset = 0;
  std::int32_t sys_flag = 0;
  std::int64_t born_timestamp_ms = 0;
  std::int64_t store_timestamp_ms = 0;
  std::string born_host;
  std::string store_host;
  std::int32_t reconsume_times = 0;  ///< 0 for the first delivery.
  std::int64_t prepared_transaction_offset = 0;
  std::int32_t store_size_bytes = 0;

  [[nodiscard]] std::string property(std::string_view name) const;
  [[nodiscard]] std::string tag() const;
  [[nodiscard]] std::string keys() const;
};

}  // namespace skylark::client
