// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/message_store.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// Codes 29 to 32: the bounds of a queue, and its place at a time. Unknown queues are empty ones. Source: AdminBrokerProcessor.java.
class QueueOffsetHandler {
 public:
  explicit QueueOffsetHandler(MessageStore& store) : store_(store) {}
  remoting::Reply search_by_time(RemotingCommand& request);
  remoting::Reply max_offset(RemotingCommand& request);
  remoting::Reply min_offset(RemotingCommand& request);
  remoting::Reply earliest_store_time(RemotingCommand& request);

 private:
  MessageStore& store_;
};

}  // namespace skylark::broker
