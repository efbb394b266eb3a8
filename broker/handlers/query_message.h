// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "remoting/dispatcher.h"

namespace skylark::broker {

class MessageStore;

/// Codes 12 (messages by key) and 33 (one message by its place in the log).
/// Threads: any. Source: QueryMessageProcessor.java.
class QueryMessageHandler {
 public:
  /// `count_max`: messages of one answer (maxMsgsNumBatch); `unique_key_count`: of a query by UNIQ_KEY (defaultQueryMaxNum).
  QueryMessageHandler(MessageStore& store, std::int32_t count_max, std::int32_t unique_key_count)
      : store_(store), count_max_(count_max), unique_key_count_(unique_key_count) {}

  remoting::Reply by_key(RemotingCommand& request);
  remoting::Reply by_offset(RemotingCommand& request);

 private:
  MessageStore& store_;
  const std::int32_t count_max_;
  const std::int32_t unique_key_count_;
};

}  // namespace skylark::broker
