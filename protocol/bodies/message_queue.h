// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "protocol/json.h"

namespace skylark {

/// One queue of a topic on one broker group. Source: MessageQueue.java.
struct MessageQueue {
  std::string topic;
  std::string broker_name;
  std::int32_t queue_id = 0;

  static MessageQueue from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  friend auto operator<=>(const MessageQueue&, const MessageQueue&) = default;
};

/// An offset for each queue.
using QueueOffsets = std::map<MessageQueue, std::int64_t>;

/// Reads `{{queue}:offset}`, and the form with the key's JSON in a string.
[[nodiscard]] QueueOffsets queue_offsets_from_json(const json::Value& value);

}  // namespace skylark
