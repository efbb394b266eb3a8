// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/setting.h"
#include "broker/message_hooks.h"
#include "protocol/message.h"
#include "protocol/send_headers.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class BrokerStats;
class MessageStore;
class SubscriptionGroupManager;
class TopicConfigManager;

struct SendBackOptions {
  std::string ip;  ///< brokerIP1, for remarks.
  Host store_host;
  bool replica = false;
};

/// Code 36: a consumer could not cope with a message and wants it again later. It is copied to the retry topic of the group,
/// through the schedule topic, or to the dead-letter topic when it was tried too often.
/// Threads: any. Source: AbstractSendMessageProcessor.java consumerSendMsgBack.
class SendBackHandler {
 public:
  SendBackHandler(MessageStore& store, TopicConfigManager& topics, SubscriptionGroupManager& groups, BrokerStats& stats,
                  const MessageHooks& hooks, const Setting<std::int32_t>& permission, SendBackOptions options)
      : store_(store),
        topics_(topics),
        groups_(groups),
        stats_(stats),
        hooks_(hooks),
        permission_(permission),
        options_(std::move(options)) {}

  remoting::Reply handle(RemotingCommand& request, const remoting::ConnectionPtr& connection);

 private:
  struct Target {
    std::string topic;
    std::int32_t queue_id = 0;
    std::int32_t delay_level = 0;
    bool dead = false;
  };
  void put_back(const MessageView& message, const Target& target, const std::string& group, remoting::Responder responder);

  MessageStore& store_;
  TopicConfigManager& topics_;
  SubscriptionGroupManager& groups_;
  BrokerStats& stats_;
  const MessageHooks& hooks_;
  const Setting<std::int32_t>& permission_;
  const SendBackOptions options_;
};

}  // namespace skylark::broker
