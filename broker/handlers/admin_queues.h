// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/topic_config_manager.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerManager;
class MessageStore;

/// A look into consume queues, and removing files by hand: codes 306, 321, 329.
/// Threads: any. Source: AdminBrokerProcessor.java queryConsumeQueue, cleanExpiredConsumeQueue, deleteExpiredCommitLog.
class QueueAdmin {
 public:
  QueueAdmin(MessageStore& store, const TopicConfigManager& topics, const ConsumerManager& consumers)
      : store_(store), topics_(topics), consumers_(consumers) {}

  remoting::Reply entries(RemotingCommand& request);
  remoting::Reply delete_expired(RemotingCommand& request);
  remoting::Reply clean_expired_queues(RemotingCommand& request);

 private:
  MessageStore& store_;
  const TopicConfigManager& topics_;
  const ConsumerManager& consumers_;
};

}  // namespace skylark::broker
