// SPDX-License-Identifier: Apache-2.0
#include "broker/schedule/scheduled_message.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "broker/topic_names.h"

namespace skylark::broker {
namespace {

std::optional<std::int32_t> parse_int(std::string_view text) noexcept {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::int32_t delay_level_of(std::string_view properties) noexcept {
  const auto text = find_property(properties, property::kDelay);
  return text ? parse_int(*text).value_or(0) : 0;
}

bool redirect_to_schedule_topic(PutMessage& message, std::string& topic, std::string& properties, const DelayLevels& levels) {
  RecordFields& fields = message.fields;
  const std::int32_t kind = fields.sys_flag & sys_flag::kTransactionMask;
  if (kind == sys_flag::kTransactionPrepared || kind == sys_flag::kTransactionRollback) return false;
  const std::int32_t wanted = delay_level_of(fields.properties);
  if (wanted <= 0) return false;

  const std::int32_t level = std::min(wanted, levels.max_level());
  std::string rewritten(fields.properties);
  if (level != wanted) set_property(rewritten, property::kDelay, std::to_string(level));
  set_property(rewritten, property::kRealTopic, fields.topic);
  set_property(rewritten, property::kRealQueueId, std::to_string(fields.queue_id));

  properties = std::move(rewritten);
  topic = names::kScheduleTopic;
  fields.topic = topic;
  fields.properties = properties;
  fields.queue_id = level - 1;
  return true;
}

Result<void> restore_scheduled(const MessageView& record, OwnedMessage& into) {
  const auto topic = record.property(property::kRealTopic);
  const auto queue_id = record.property(property::kRealQueueId);
  const auto number = queue_id ? parse_int(*queue_id) : std::nullopt;
  if (!topic || !number) return make_error_code(Errc::malformed);

  copy_message(record, into);
  into.topic = *topic;
  into.put.fields.queue_id = *number;
  into.bind();
  return {};
}

}  // namespace skylark::broker
