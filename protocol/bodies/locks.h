// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "protocol/bodies/message_queue.h"
#include "protocol/json.h"

namespace skylark {

/// Body of codes 41 and 42. Source: LockBatchRequestBody.java, UnlockBatchRequestBody.java.
struct LockBatchRequestBody {
  std::string client_id;
  std::string consumer_group;
  std::vector<MessageQueue> queues;
  bool only_this_broker = false;

  static LockBatchRequestBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 41: the queues now held. Source: LockBatchResponseBody.java.
struct LockBatchResponseBody {
  std::vector<MessageQueue> locked;

  static LockBatchResponseBody from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
