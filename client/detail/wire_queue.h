// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>

#include "client/message.h"
#include "protocol/bodies/message_queue.h"

namespace skylark::client {

// The queue of the public headers and that of the bodies are two types, so that users need none of `protocol/`.

using OffsetTable = std::map<MessageQueue, std::int64_t>;

[[nodiscard]] inline skylark::MessageQueue to_wire(const MessageQueue& queue) {
  skylark::MessageQueue wire;
  wire.topic = queue.topic;
  wire.broker_name = queue.broker_name;
  wire.queue_id = queue.queue_id;
  return wire;
}

[[nodiscard]] inline MessageQueue from_wire(const skylark::MessageQueue& wire) {
  return MessageQueue{wire.topic, wire.broker_name, wire.queue_id};
}

[[nodiscard]] inline QueueOffsets to_wire(const OffsetTable& offsets) {
  QueueOffsets wire;
  for (const auto& [queue, offset] : offsets) wire[to_wire(queue)] = offset;
  return wire;
}

[[nodiscard]] inline OffsetTable from_wire(const QueueOffsets& wire) {
  OffsetTable offsets;
  for (const auto& [queue, offset] : wire) offsets[from_wire(queue)] = offset;
  return offsets;
}

}  // namespace skylark::client
