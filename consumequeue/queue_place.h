// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/message.h"

namespace skylark::consumequeue {

/// Where a consume queue lists a record: the unit says so, and the record must.
struct QueuePlace {
  std::string_view topic;  ///< Of the queue; an inner queue lists records of other topics.
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;   ///< Of the first message of the record.
  std::int32_t message_count = 0;  ///< In a unit of a batch queue; 0: the unit does not say.
};

/// What the bytes are, when they say to be the one record at that offset. Whether its body is whole is not asked.
[[nodiscard]] std::optional<MessageView> claimed_record(std::string_view bytes, std::int64_t physical_offset);

/// Whether the record itself says that it stands at that place. Inner queues count whatever the settings are now: it may have been entered
/// under others.
[[nodiscard]] bool belongs(const MessageView& record, const QueuePlace& place);

}  // namespace skylark::consumequeue
