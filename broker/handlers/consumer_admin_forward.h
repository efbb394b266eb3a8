// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerManager;
class MessageStore;
class SubscriptionGroupManager;
class TopicConfigManager;

/// What tools ask a consumer through its broker: codes 307 (how it is doing) and 309 (consume this message now). The client's answer is
/// passed on as it is.
/// Threads: any. Source: AdminBrokerProcessor.java callConsumer.
class ConsumerForward {
 public:
  ConsumerForward(MessageStore& store, const TopicConfigManager& topics, const SubscriptionGroupManager& groups,
                  const ConsumerManager& consumers, std::string broker_name)
      : store_(store), topics_(topics), groups_(groups), consumers_(consumers), broker_name_(std::move(broker_name)) {}

  remoting::Reply running_info(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply consume_directly(RemotingCommand& request, const remoting::ConnectionPtr& connection);

 private:
  remoting::Reply forward(const RemotingCommand& request, const remoting::ConnectionPtr& connection, RemotingCommand forwarded,
                          const std::string& group, const std::string& client_id);

  MessageStore& store_;
  const TopicConfigManager& topics_;
  const SubscriptionGroupManager& groups_;
  const ConsumerManager& consumers_;
  const std::string broker_name_;
};

}  // namespace skylark::broker
