// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerManager;
class MessageStore;

/// A look into consume queues, and removing files by hand: codes 306, 321, 329.
/// Threads: any. Source: AdminBrokerProcessor.java queryConsumeQueue, deleteExpiredCommitLog.
class QueueAdmin {
 public:
  QueueAdmin(MessageStore& store, const ConsumerManager& consumers) : store_(store), consumers_(consumers) {}

  remoting::Reply entries(RemotingCommand& request);
  remoting::Reply delete_expired(RemotingCommand& request);

 private:
  MessageStore& store_;
  const ConsumerManager& consumers_;
};

}  // namespace skylark::broker
