// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/message_store.h"
#include "broker/owned_message.h"
#include "broker/schedule/delay_levels.h"

namespace skylark::broker {

/// Level that the message asks for: 0 when it has none or one that is not a number.
[[nodiscard]] std::int32_t delay_level_of(std::string_view properties) noexcept;

/// Turns a message with a delay level into one of the schedule topic: level limited to the highest one, REAL_TOPIC and REAL_QID
/// remember where it belongs. Its text is kept in `topic` and `properties`, which must outlive the put.
///
/// False, and nothing changed, for a message without a level and for prepared and rolled back ones.
/// Source: HookUtils.java transformDelayLevelMessage.
bool redirect_to_schedule_topic(PutMessage& message, std::string& topic, std::string& properties, const DelayLevels& levels);

/// The message that was delayed, ready to be put: topic and queue from its properties, which stay exactly as they are.
/// Errors: `malformed` when the properties do not say where it belongs. Source: ScheduleMessageService.java messageTimeUp.
[[nodiscard]] Result<void> restore_scheduled(const MessageView& record, OwnedMessage& into);

}  // namespace skylark::broker
