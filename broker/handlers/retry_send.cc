// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/retry_send.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "broker/queue_lock_manager.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "broker/topic_names.h"

namespace skylark::broker {
namespace {

constexpr std::int16_t kVersion3_4_9 = 121;  // From here on clients say how often they want to retry.

}  // namespace

std::optional<Refusal> RetrySendPath::redirect(const RetrySend& send, PutMessage& message, OwnedParts& parts) const {
  RecordFields& fields = message.fields;
  if (!is_retry_topic(fields.topic)) return std::nullopt;
  const std::string group(fields.topic.substr(names::kRetryPrefix.size()));
  const auto config = groups_.find(group);
  if (!config)
    return Refusal{ResponseCode::subscription_group_not_exist, fmt::format("subscription group not exist, {} {}", group, kFaqLine)};

  std::int32_t times_max = config->retry_times_max;
  if (send.client_version >= kVersion3_4_9 && send.max_reconsume_times) times_max = *send.max_reconsume_times;
  const bool in_order = locks_.any_live(group);
  if (fields.reconsume_times <= times_max && !in_order) return std::nullopt;

  std::string topic = dlq_topic(group);
  if (!topics_.create_if_absent(topic, 1, permission::kRead | permission::kWrite)) {
    return Refusal{ResponseCode::system_error, fmt::format("topic[{}] not exist", topic)};
  }
  if (in_order) log::info("group {} consumes in order: its message goes straight to {}", group, topic);
  std::string properties(fields.properties);
  set_property(properties, property::kDelay, "-1");  // A dead letter must not be delayed.
  parts.topic = std::move(topic);
  parts.properties = std::move(properties);
  fields.topic = parts.topic;
  fields.properties = parts.properties;
  fields.queue_id = 0;
  return std::nullopt;
}

}  // namespace skylark::broker
