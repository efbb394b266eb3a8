// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/queue_place.h"

#include "commitlog/inner_queues.h"

namespace skylark::consumequeue {

std::optional<MessageView> claimed_record(std::string_view bytes, std::int64_t physical_offset) {
  const auto record = decode_record(bytes);
  if (!record || record->physical_offset != physical_offset || record->total_size != static_cast<std::int64_t>(bytes.size()))
    return std::nullopt;
  return *record;
}

bool belongs(const MessageView& record, const QueuePlace& place) {
  if (record.topic == place.topic) {
    if (record.queue_id != place.queue_id || record.queue_offset != place.queue_offset) return false;
    return place.message_count == 0 || message_count(record.sys_flag, record.properties).value_or(1) == place.message_count;
  }
  bool listed = false;
  const auto looked = commitlog::for_each_inner_queue(
      record, {.number = true, .enter = true},
      [&](std::string_view name, std::int32_t queue_id, std::int64_t queue_offset) -> Result<void> {
        listed = listed || (name == place.topic && queue_id == place.queue_id && queue_offset == place.queue_offset);
        return {};
      });
  return looked && listed;
}

}  // namespace skylark::consumequeue
