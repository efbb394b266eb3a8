// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "broker/message_store.h"
#include "protocol/response_code.h"

namespace skylark::broker {

/// Text that a rewritten message points into; it lives until the put has been called.
struct OwnedParts {
  std::string topic;
  std::string properties;
  std::string body;
};

/// A refusal: the response code and its remark.
struct Refusal {
  ResponseCode code = ResponseCode::system_error;
  std::string remark;
};

/// Turns a message on its way to the store into what is really stored there: sets `fields.topic`, `fields.properties`, ... to
/// text in `parts`. `parts.properties` may already back `fields.properties`: make the new text first, then move it in.
/// Must be quick and not block: it runs on io threads.
using MessageHook = std::function<void(PutMessage& message, OwnedParts& parts)>;

/// The path of a message sent to a retry topic, after the topic was found: checks the group and its limit, and may turn it to the
/// dead-letter topic. A refusal is answered as it is.
struct RetrySend {
  std::int16_t client_version = 0;
  std::optional<std::int32_t> max_reconsume_times;
};
using RetryHook = std::function<std::optional<Refusal>(const RetrySend& send, PutMessage& message, OwnedParts& parts)>;

/// What the delay and transaction services do to messages, so that handlers know nothing of them. Set by wiring, before start.
struct MessageHooks {
  MessageHook delay;                ///< For every message put by a handler: a level delay goes to the schedule topic.
  MessageHook prepare_transaction;  ///< For sends with TRAN_MSG=true: the half topic.
  RetryHook retry_send;

  /// The delay rewrite, if any is wired.
  void apply_delay(PutMessage& message, OwnedParts& parts) const {
    if (delay) delay(message, parts);
  }
};

}  // namespace skylark::broker
