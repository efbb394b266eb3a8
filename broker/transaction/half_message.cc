// SPDX-License-Identifier: Apache-2.0
#include "broker/transaction/half_message.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "broker/schedule/scheduled_message.h"
#include "broker/topic_names.h"

namespace skylark::broker {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) noexcept {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct RealPlace {
  std::string_view topic;
  std::int32_t queue_id = 0;
};

std::optional<RealPlace> real_place(const MessageView& half) noexcept {
  const auto topic = half.property(property::kRealTopic);
  const auto queue_id = half.property(property::kRealQueueId);
  const auto number = queue_id ? parse_number<std::int32_t>(*queue_id) : std::nullopt;
  if (!topic || !number) return std::nullopt;
  return RealPlace{*topic, *number};
}

bool is_true(std::string_view text) noexcept {
  constexpr std::string_view kTrue = "true";
  if (text.size() != kTrue.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != kTrue[i]) return false;
  }
  return true;
}

}  // namespace

bool is_half_message(const RecordFields& fields) noexcept {
  const auto prepared = find_property(fields.properties, property::kTransactionPrepared);
  if (!prepared || !is_true(*prepared)) return false;
  return fields.reconsume_times <= 0 || delay_level_of(fields.properties) <= 0;
}

void redirect_to_half_topic(PutMessage& message, std::string& topic, std::string& properties) {
  RecordFields& fields = message.fields;
  std::string rewritten(fields.properties);
  if (const auto unique_key = find_property(fields.properties, property::kUniqueKey)) {
    set_property(rewritten, property::kTransactionId, *unique_key);
  }
  set_property(rewritten, property::kRealTopic, fields.topic);
  set_property(rewritten, property::kRealQueueId, std::to_string(fields.queue_id));

  properties = std::move(rewritten);
  topic = names::kHalfTopic;
  fields.topic = topic;
  fields.properties = properties;
  fields.queue_id = kHalfQueue;
  fields.sys_flag &= ~sys_flag::kTransactionMask;
}

Result<void> committed_message(const MessageView& half, OwnedMessage& into) {
  const auto place = real_place(half);
  if (!place) return make_error_code(Errc::malformed);
  copy_message(half, into);
  into.topic = place->topic;
  into.put.fields.queue_id = place->queue_id;
  into.put.fields.sys_flag = (half.sys_flag & ~sys_flag::kTransactionMask) | sys_flag::kTransactionCommit;
  into.put.fields.prepared_transaction_offset = half.physical_offset;
  into.bind();
  return {};
}

void renewed_half_message(const MessageView& half, std::string_view name, std::string_view value, const Host& store_host,
                          OwnedMessage& into) {
  copy_message(half, into);
  if (!value.empty()) set_property(into.properties, name, value);
  into.topic = names::kHalfTopic;
  into.put.fields.queue_id = kHalfQueue;
  into.put.fields.store_host = store_host;
  into.bind();
}

Result<std::string> checked_record(const MessageView& half, std::int64_t queue_offset, std::int64_t physical_offset) {
  const auto place = real_place(half);
  if (!place) return make_error_code(Errc::malformed);
  OwnedMessage message;
  copy_message(half, message);
  message.topic = place->topic;
  message.bind();
  RecordFields& fields = message.put.fields;
  fields.queue_id = place->queue_id;
  fields.queue_offset = queue_offset;
  fields.physical_offset = physical_offset;
  fields.store_timestamp = half.store_timestamp;
  std::string bytes;
  encode_record(fields, bytes);
  return bytes;
}

std::int64_t age_ms(const MessageView& half, std::int64_t now_ms) noexcept {
  return now_ms - std::max<std::int64_t>(0, std::min(half.born_timestamp, half.store_timestamp));
}

std::int64_t immunity_ms(const MessageView& half, std::int64_t timeout_ms) noexcept {
  const std::int64_t seconds = integer_property(half, property::kCheckImmunity, -1);
  if (seconds < 0 || seconds > std::numeric_limits<std::int64_t>::max() / 1'000) return timeout_ms;
  return seconds * 1'000;
}

std::vector<std::int64_t> parse_op_body(std::string_view body) {
  std::vector<std::int64_t> offsets;
  while (!body.empty()) {
    const auto end = body.find(',');
    if (const auto offset = parse_number<std::int64_t>(body.substr(0, end))) offsets.push_back(*offset);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
  }
  return offsets;
}

std::int64_t integer_property(const MessageView& message, std::string_view name, std::int64_t fallback) noexcept {
  const auto text = message.property(name);
  return text ? parse_number<std::int64_t>(*text).value_or(fallback) : fallback;
}

}  // namespace skylark::broker
