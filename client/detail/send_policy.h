// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/message.h"
#include "client/outcome.h"

namespace skylark::client {

/// Whether a further attempt makes sense after this failure: yes for the network (no answer, no connection) and for the codes
/// that another broker, or the same one later, may answer better. Source: DefaultMQProducer.retryResponseCodes.
[[nodiscard]] bool should_retry(const Failure& failure) noexcept;

/// Which queue an attempt goes to: round robin, but not the broker that just failed as long as there is another one.
/// `sequence` grows with each choice. Empty `queues` is not allowed. Source: TopicPublishInfo.selectOneMessageQueue.
[[nodiscard]] const MessageQueue& select_queue(const std::vector<MessageQueue>& queues, std::uint64_t sequence,
                                               std::string_view failed_broker) noexcept;

/// Refuses what no broker would take: bad topic, forbidden topic, no body, body too big. Source: Validators.java.
[[nodiscard]] Outcome<> check_message(const Message& message, std::size_t body_size_max_bytes);
/// Refuses an empty name, one longer than 255, or with characters beyond `%|a-zA-Z0-9_-`.
[[nodiscard]] Outcome<> check_group(std::string_view group);

/// `a:9876;b:9876` as a list; `http://` is taken off, blanks and empty parts are dropped.
[[nodiscard]] std::vector<std::string> split_name_servers(std::string_view text);

}  // namespace skylark::client
