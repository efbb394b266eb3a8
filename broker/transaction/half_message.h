// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/message_store.h"
#include "broker/owned_message.h"

namespace skylark::broker {

inline constexpr std::int32_t kHalfQueue = 0;  // The half topic and the op topic have one queue each.

/// Whether a send is to be stored as a half message: `TRAN_MSG=true`, unless it is a retry of an old client (reconsumed and with
/// a delay level), which is plain. Source: SendMessageProcessor.java.
[[nodiscard]] bool is_half_message(const RecordFields& fields) noexcept;

/// Turns a message into one of the half topic. Its text is kept in `topic` and `properties`, which must outlive the put.
/// The transaction bits are cleared: a half message has a place in its queue. Source: TransactionalMessageBridge.java
/// parseHalfMessageInner.
void redirect_to_half_topic(PutMessage& message, std::string& topic, std::string& properties);

/// The message that a commit makes visible: real topic and queue, commit bits, the half message's place; properties stay as they
/// are. Errors: `malformed` when they do not say where it belongs. Source: EndTransactionProcessor.java endMessageTransaction.
[[nodiscard]] Result<void> committed_message(const MessageView& half, OwnedMessage& into);

/// Copy of a half message for the end of its queue; a value that is not empty replaces the property of that name.
void renewed_half_message(const MessageView& half, std::string_view name, std::string_view value, const Host& store_host,
                          OwnedMessage& into);

/// The half message as the producer shall see it in a check: encoded record with its real topic and queue.
/// Errors: `malformed` as above.
[[nodiscard]] Result<std::string> checked_record(const MessageView& half, std::int64_t queue_offset, std::int64_t physical_offset);

/// Milliseconds since the message was born, never before the epoch nor after it was stored: producers choose that time.
[[nodiscard]] std::int64_t age_ms(const MessageView& half, std::int64_t now_ms) noexcept;

/// Milliseconds that a half message is not checked for: its own wish in whole seconds, or the broker's time-out when it has none or
/// one that makes no sense.
[[nodiscard]] std::int64_t immunity_ms(const MessageView& half, std::int64_t timeout_ms) noexcept;

/// Offsets in the body of an op message: `0,1,5,` or a single number of old versions. Pieces that are no numbers are left out.
[[nodiscard]] std::vector<std::int64_t> parse_op_body(std::string_view body);

/// Value of a property that holds a whole number, or the fallback.
[[nodiscard]] std::int64_t integer_property(const MessageView& message, std::string_view name, std::int64_t fallback) noexcept;

}  // namespace skylark::broker
