// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/queue_lock_manager.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// Codes 41 and 42: locks of queues for ordered consumption. Source: AdminBrokerProcessor.java lockBatchMQ.
class QueueLockHandler {
 public:
  explicit QueueLockHandler(QueueLockManager& locks) : locks_(locks) {}
  remoting::Reply lock(RemotingCommand& request);
  remoting::Reply unlock(RemotingCommand& request);

 private:
  QueueLockManager& locks_;
};

}  // namespace skylark::broker
