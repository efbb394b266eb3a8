// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/consumer_offset_manager.h"
#include "broker/message_store.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// Codes 14 and 15: how far a group has come. Source: ConsumerManageProcessor.java 5.3.3.
class ConsumerOffsetHandler {
 public:
  ConsumerOffsetHandler(ConsumerOffsetManager& offsets, TopicConfigManager& topics, SubscriptionGroupManager& groups, MessageStore& store,
                        bool server_side_reset);
  remoting::Reply query(RemotingCommand& request);
  remoting::Reply update(RemotingCommand& request);

 private:
  ConsumerOffsetManager& offsets_;
  TopicConfigManager& topics_;
  SubscriptionGroupManager& groups_;
  MessageStore& store_;
  const bool server_side_reset_;
};

}  // namespace skylark::broker
