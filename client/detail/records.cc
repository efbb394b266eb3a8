// SPDX-License-Identifier: Apache-2.0
#include "client/detail/records.h"

#include <algorithm>

#include "protocol/message.h"

namespace skylark::client {
namespace {

void set_properties(ReceivedMessage& message, std::string_view properties) {
  message.properties.clear();
  for (const auto& [name, value] : parse_properties(properties)) message.properties.insert_or_assign(std::string(name), value);
  const std::string unique_key = message.property(property::kUniqueKey);
  message.message_id = unique_key.empty() ? message.offset_message_id : unique_key;
}

}  // namespace

std::string encode_properties(const std::map<std::string, std::string>& properties) {
  std::string text;
  for (const auto& [name, value] : properties) {
    if (!value.empty()) append_property(text, name, value);
  }
  return text;
}

void take_apart(std::vector<ReceivedMessage>& messages) {
  constexpr std::int32_t kSeveral = sys_flag::kInnerBatch | sys_flag::kNeedUnwrap;
  const auto several = [](const ReceivedMessage& message) { return (message.sys_flag & kSeveral) == kSeveral; };
  if (std::none_of(messages.begin(), messages.end(), several)) return;
  std::vector<ReceivedMessage> single;
  for (ReceivedMessage& message : messages) {
    const std::string body = several(message) ? std::move(message.body) : std::string();
    const auto items = decode_batch(body);
    if (body.empty() || !items) {
      if (!body.empty()) message.body = body;
      single.push_back(std::move(message));
      continue;
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
      ReceivedMessage& inner = single.emplace_back(message);
      inner.body = (*items)[i].body;
      inner.flag = (*items)[i].flag;
      inner.queue_offset += static_cast<std::int64_t>(i);
      set_properties(inner, (*items)[i].properties);
    }
  }
  messages = std::move(single);
}

Result<std::vector<ReceivedMessage>> decode_messages(std::string_view records, const std::string& broker_name) {
  const auto views = decode_records(records);
  if (!views) return views.error();
  std::vector<ReceivedMessage> messages;
  messages.reserve(views->size());
  for (const MessageView& view : *views) {
    auto body = decompress_body(view.body, view.sys_flag);
    if (!body) return body.error();
    ReceivedMessage& message = messages.emplace_back();
    message.topic = view.topic;
    message.body = std::move(*body);
    message.flag = view.flag;
    message.offset_message_id = make_offset_message_id(view.store_host, view.physical_offset);
    set_properties(message, view.properties);
    message.queue = MessageQueue{message.topic, broker_name, view.queue_id};
    message.queue_offset = view.queue_offset;
    message.physical_offset = view.physical_offset;
    message.sys_flag = view.sys_flag;
    message.born_timestamp_ms = view.born_timestamp;
    message.store_timestamp_ms = view.store_timestamp;
    message.born_host = view.born_host.to_string();
    message.store_host = view.store_host.to_string();
    message.reconsume_times = view.reconsume_times;
    message.prepared_transaction_offset = view.prepared_transaction_offset;
    message.store_size_bytes = view.total_size;
  }
  return messages;
}

void restore_topic(ReceivedMessage& message, std::string_view group) {
  if (message.topic != retry_topic(group)) return;
  std::string real = message.property(property::kRetryTopic);
  if (!real.empty()) message.topic = std::move(real);
}

std::string retry_topic(std::string_view group) { return "%RETRY%" + std::string(group); }
std::string dead_letter_topic(std::string_view group) { return "%DLQ%" + std::string(group); }

}  // namespace skylark::client
