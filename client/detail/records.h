// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/message.h"

namespace skylark::client {

/// The property string of a message as it goes over the wire.
[[nodiscard]] std::string encode_properties(const std::map<std::string, std::string>& properties);

/// Messages of a pull or query answer, bodies in clear. Their queue's topic is the topic of the record, their own topic the same.
/// Errors: `malformed`, also for a body that does not inflate.
[[nodiscard]] Result<std::vector<ReceivedMessage>> decode_messages(std::string_view records, const std::string& broker_name);

/// Replaces each record that holds several messages by those: all have its place, one offset each from its own on. One that cannot be
/// taken apart stays as it is. Source: PullAPIWrapper.processPullResult.
void take_apart(std::vector<ReceivedMessage>& messages);

/// What Java's consumer does before it shows messages: one that came through the retry topic of `group` gets back its real topic.
void restore_topic(ReceivedMessage& message, std::string_view group);

[[nodiscard]] std::string retry_topic(std::string_view group);
[[nodiscard]] std::string dead_letter_topic(std::string_view group);

}  // namespace skylark::client
