// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_message_store.h"

#include <algorithm>
#include <charconv>

namespace skylark::broker {
namespace {

constexpr std::string_view kScheduleTopic = "SCHEDULE_TOPIC_XXXX";

std::int32_t number(std::string_view text) {
  std::int32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool has_key(std::string_view keys, std::string_view key) {
  while (!keys.empty()) {
    const auto end = keys.find(' ');
    if (keys.substr(0, end) == key) return true;
    keys.remove_prefix(end == std::string_view::npos ? keys.size() : end + 1);
  }
  return false;
}

}  // namespace

std::vector<MessageView> FakeMessageStore::messages(std::string_view topic, std::int32_t queue_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<MessageView> found;
  const Queue* queue = find(topic, queue_id);
  if (queue == nullptr) return found;
  for (const QueueEntry& entry : queue->entries) found.push_back(*decode_record(*bytes_at(entry.physical_offset)));
  return found;
}

void FakeMessageStore::drop_below(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  const std::lock_guard lock(mutex_);
  queues_[Key(topic, queue_id)].begin = queue_offset;
}

PutResult FakeMessageStore::put_sync(const PutMessage& message) {
  PutResult result;
  ArrivedMessage arrived;
  {
    const std::lock_guard lock(mutex_);
    result.status = put_status;
    if (!result.stored()) {
      ++puts_refused;
      return result;
    }
    Queue& queue = queues_[Key(message.fields.topic, message.fields.queue_id)];
    RecordFields fields = message.fields;
    fields.physical_offset = end_;
    fields.queue_offset = static_cast<std::int64_t>(queue.entries.size());
    fields.store_timestamp = clock_.now_ms();
    std::string bytes;
    encode_record(fields, bytes);

    const auto tags = find_property(fields.properties, property::kTags);
    std::int64_t code = tags ? tags_code(*tags) : 0;
    const auto level = find_property(fields.properties, property::kDelay);
    if (fields.topic == kScheduleTopic && level) code = fields.store_timestamp + delay_ms[number(*level)];
    const auto next = static_cast<std::int64_t>(queue.entries.size()) + 1;
    queue.entries.push_back({fields.physical_offset, static_cast<std::int32_t>(bytes.size()), code, next});
    result.physical_offset = fields.physical_offset;
    result.record_size = static_cast<std::int64_t>(bytes.size());
    result.queue_offset = fields.queue_offset;
    result.store_timestamp = fields.store_timestamp;
    log_[end_] = std::make_shared<const std::string>(std::move(bytes));
    end_ += result.record_size;
    arrived = {.topic = message.fields.topic,
               .queue_id = fields.queue_id,
               .next_queue_offset = fields.queue_offset + 1,
               .unit = {.tags_code = code, .store_timestamp = fields.store_timestamp},
               .properties = message.fields.properties};
  }
  if (on_arrival_) on_arrival_(arrived);
  return result;
}

void FakeMessageStore::release_answers() {
  for (const auto& [callback, result] : std::exchange(held_answers_, {})) callback(result);
}

void FakeMessageStore::stage(std::span<const PutMessage> messages, StagedPuts& puts) {
  PutResult& first = puts.add().result;
  std::string ids;
  for (const PutMessage& message : messages) {
    const PutResult result = put_sync(message);
    if (&message == &messages.front()) first = result;
    if (!ids.empty()) ids += ',';
    ids += make_offset_message_id(message.fields.store_host, result.physical_offset);
  }
  if (messages.size() > 1 && first.stored()) first.message_ids = ids;
  first.for_disk = (puts_wait || hold_answers) && first.stored();
}

GetResult FakeMessageStore::get(const GetRequest& request) {
  const std::lock_guard lock(mutex_);
  GetResult result;
  const Queue* queue = find(request.topic, request.queue_id);
  if (queue == nullptr) return result;
  result.min_offset = queue->begin;
  result.max_offset = static_cast<std::int64_t>(queue->entries.size());
  result.next_begin_offset = request.queue_offset;
  if (cold && !request.may_wait) {
    result.needs_disk = true;
    return result;
  }
  if (next_status) {
    result.status = *next_status;
    return result;
  }
  if (request.queue_offset < result.min_offset) {
    result.status = GetStatus::offset_too_small;
    result.next_begin_offset = result.min_offset;
    return result;
  }
  if (request.queue_offset >= result.max_offset) {
    result.status = request.queue_offset == result.max_offset ? GetStatus::offset_overflow_one : GetStatus::offset_overflow_badly;
    result.next_begin_offset = result.max_offset;
    return result;
  }
  for (; result.next_begin_offset < result.max_offset && result.message_count < request.message_count_max; ++result.next_begin_offset) {
    const QueueEntry& entry = queue->entries[static_cast<std::size_t>(result.next_begin_offset)];
    if (request.filter != nullptr && !request.filter->wants_unit({.tags_code = entry.tags_code})) continue;
    const auto bytes = bytes_at(entry.physical_offset);
    if (request.filter != nullptr && request.filter->reads_properties() &&
        !request.filter->wants_properties(decode_record(*bytes)->properties)) {
      continue;
    }
    result.slices.push_back({*bytes, bytes});
    result.size_bytes += entry.size;
    ++result.message_count;
  }
  result.status = result.message_count > 0 ? GetStatus::found : GetStatus::no_matched_message;
  return result;
}

std::optional<PinnedSlice> FakeMessageStore::record_at(std::int64_t physical_offset, std::int32_t) {
  const std::lock_guard lock(mutex_);
  const auto bytes = bytes_at(physical_offset);
  if (!bytes) return std::nullopt;
  return PinnedSlice{*bytes, bytes};
}

std::optional<MessageStore::QueueEntry> FakeMessageStore::queue_entry(std::string_view topic, std::int32_t queue_id,
                                                                      std::int64_t queue_offset) {
  const std::lock_guard lock(mutex_);
  const Queue* queue = find(topic, queue_id);
  if (queue == nullptr || queue_offset < queue->begin || queue_offset >= static_cast<std::int64_t>(queue->entries.size()))
    return std::nullopt;
  return queue->entries[static_cast<std::size_t>(queue_offset)];
}

void FakeMessageStore::blank(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  const std::lock_guard lock(mutex_);
  auto& entries = queues_.at({std::string(topic), queue_id}).entries;
  entries.at(static_cast<std::size_t>(queue_offset)) = {.next_queue_offset = queue_offset + 1, .blank = true};
}

std::int64_t FakeMessageStore::min_offset(std::string_view topic, std::int32_t queue_id) {
  const std::lock_guard lock(mutex_);
  const Queue* queue = find(topic, queue_id);
  return queue == nullptr ? 0 : queue->begin;
}

std::int64_t FakeMessageStore::max_offset(std::string_view topic, std::int32_t queue_id) {
  const std::lock_guard lock(mutex_);
  const Queue* queue = find(topic, queue_id);
  return queue == nullptr ? 0 : static_cast<std::int64_t>(queue->entries.size());
}

std::int64_t FakeMessageStore::offset_by_time(std::string_view topic, std::int32_t queue_id, std::int64_t timestamp_ms, bool) {
  const std::int64_t end = max_offset(topic, queue_id);
  for (std::int64_t at = min_offset(topic, queue_id); at < end; ++at) {
    if (store_time(topic, queue_id, at) >= timestamp_ms) return at;
  }
  return end;
}

std::int64_t FakeMessageStore::store_time(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  const auto entry = queue_entry(topic, queue_id, queue_offset);
  if (!entry) return -1;
  const std::lock_guard lock(mutex_);
  return decode_record(*bytes_at(entry->physical_offset))->store_timestamp;
}

MessageStore::KeyQueryResult FakeMessageStore::query_by_key(std::string_view topic, std::string_view key, std::int32_t count_max,
                                                            std::int64_t begin_ms, std::int64_t end_ms) {
  const std::lock_guard lock(mutex_);
  KeyQueryResult result;
  for (const auto& [offset, bytes] : log_) {
    const auto message = *decode_record(*bytes);
    result.index_last_update_physical_offset = offset;
    result.index_last_update_timestamp = message.store_timestamp;
    const bool matches = has_key(message.property(property::kKeys).value_or(""), key) || message.property(property::kUniqueKey) == key;
    if (!matches || message.topic != topic || message.store_timestamp < begin_ms || message.store_timestamp > end_ms) continue;
    if (static_cast<std::int32_t>(result.records.size()) < count_max) result.records.push_back({*bytes, bytes});
  }
  return result;
}

std::int64_t FakeMessageStore::max_physical_offset() {
  const std::lock_guard lock(mutex_);
  return end_;
}

std::vector<QueueId> FakeMessageStore::queues() {
  const std::lock_guard lock(mutex_);
  std::vector<QueueId> found;
  for (const auto& [key, queue] : queues_) found.push_back({key.first, key.second});
  return found;
}

std::int32_t FakeMessageStore::delete_topics_except(const std::vector<std::string>& keep) {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int32_t>(
      std::erase_if(queues_, [&](const auto& item) { return std::find(keep.begin(), keep.end(), item.first.first) == keep.end(); }));
}

void FakeMessageStore::delete_topic(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  std::erase_if(queues_, [&](const auto& item) { return item.first.first == topic; });
}

const FakeMessageStore::Queue* FakeMessageStore::find(std::string_view topic, std::int32_t queue_id) const {
  const auto found = queues_.find(Key(topic, queue_id));
  return found == queues_.end() ? nullptr : &found->second;
}

std::shared_ptr<const std::string> FakeMessageStore::bytes_at(std::int64_t physical_offset) const {
  const auto found = log_.find(physical_offset);
  return found == log_.end() ? nullptr : found->second;
}

}  // namespace skylark::broker
