// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_queues.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "base/log.h"
#include "broker/consumer_manager.h"
#include "broker/handlers/answers.h"
#include "broker/message_store.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/consumer_bodies.h"

namespace skylark::broker {
namespace {

constexpr std::int32_t kEntriesMax = 4'096;  // Of one answer, whatever was asked: some 300 KB of text.

}  // namespace

remoting::Reply QueueAdmin::entries(RemotingCommand& request) {
  const auto header = decode_header<QueryConsumeQueueRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<QueryConsumeQueueRequestHeader>(request));

  QueryConsumeQueueResponseBody body;
  body.min_queue_index = store_.min_offset(header->topic, header->queue_id);
  body.max_queue_index = store_.max_offset(header->topic, header->queue_id);
  if (body.max_queue_index == 0) {
    return answer(request, ResponseCode::system_error, fmt::format("{}@{} is not exist!", header->queue_id, header->topic));
  }
  if (header->index < body.min_queue_index || header->index >= body.max_queue_index) {
    return answer(request, ResponseCode::success,
                  fmt::format("Index {} of {}@{} is not exist!", header->index, header->queue_id, header->topic));
  }
  const auto subscription = header->consumer_group ? consumers_.find_subscription(*header->consumer_group, header->topic) : nullptr;
  if (subscription) body.subscription = *subscription;

  const std::int64_t end = std::min(body.max_queue_index, header->index + std::clamp(header->count, 0, kEntriesMax));
  for (std::int64_t index = header->index; index < end;) {
    const auto entry = store_.queue_entry(header->topic, header->queue_id, index);
    if (!entry) break;
    index = entry->next_queue_offset;
    if (entry->blank) continue;
    ConsumeQueueData row;
    row.physical_offset = entry->physical_offset;
    row.physical_size = entry->size;
    row.tags_code = entry->tags_code;
    row.eval = body.subscription && body.subscription->wants(entry->tags_code);
    body.queue_data.push_back(row);
  }
  return answer_body(request, body);
}

remoting::Reply QueueAdmin::delete_expired(RemotingCommand& request) {
  const bool done = store_.delete_expired_files();
  log::info("expired files are deleted on request: {}", done ? "done" : "there was nothing to do");
  return answer(request, ResponseCode::success);
}

remoting::Reply QueueAdmin::clean_expired_queues(RemotingCommand& request) {
  const auto removed = store_.clean_expired_queues([this](std::string_view topic) { return topics_.is_system_topic(topic); });
  log::info("{} queues without messages are removed on request", removed);
  return answer(request, ResponseCode::success);
}

}  // namespace skylark::broker
