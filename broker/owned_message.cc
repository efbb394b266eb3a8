// SPDX-License-Identifier: Apache-2.0
#include "broker/owned_message.h"

#include <utility>

namespace skylark::broker {

void copy_message(const MessageView& record, OwnedMessage& into) {
  into.topic = record.topic;
  into.properties = record.properties;
  into.put.wait_store_ok = false;
  RecordFields& fields = into.put.fields;
  fields.queue_id = record.queue_id;
  fields.flag = record.flag;
  fields.sys_flag = record.sys_flag;
  fields.born_timestamp = record.born_timestamp;
  fields.born_host = record.born_host;
  fields.store_host = record.store_host;
  fields.reconsume_times = record.reconsume_times;
  fields.prepared_transaction_offset = 0;
  fields.body = record.body;
  into.bind();
}

std::optional<StoredRecord> load_record(MessageStore& store, std::int64_t physical_offset, std::int32_t size) {
  auto bytes = store.record_at(physical_offset, size);
  if (!bytes) return std::nullopt;
  const auto view = decode_record(bytes->bytes);
  if (!view) return std::nullopt;
  return StoredRecord{std::move(*bytes), *view};
}

std::optional<StoredRecord> load_listed(MessageStore& store, const QueueId& queue, std::int64_t queue_offset,
                                        const MessageStore::QueueEntry& entry) {
  auto record = load_record(store, entry.physical_offset, entry.size);
  if (!record) return std::nullopt;
  const MessageView& view = record->view;
  if (view.topic != queue.topic || view.queue_id != queue.queue_id || view.queue_offset != queue_offset) return std::nullopt;
  return record;
}

}  // namespace skylark::broker
