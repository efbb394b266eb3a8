// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "broker/message_hooks.h"
#include "protocol/bodies/topic_config.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerOffsetManager;
class MessageStore;
class TopicConfigManager;

/// The topics of this broker as tools make, change, list and delete them: codes 17, 18, 21, 215, 305, 316, 351.
/// Threads: any. Source: AdminBrokerProcessor.java, TopicQueueMappingManager.java aside.
class TopicAdmin {
 public:
  TopicAdmin(MessageStore& store, TopicConfigManager& topics, ConsumerOffsetManager& offsets)
      : store_(store), topics_(topics), offsets_(offsets) {}

  remoting::Reply update(RemotingCommand& request);
  remoting::Reply update_list(RemotingCommand& request);
  remoting::Reply list(RemotingCommand& request);
  remoting::Reply remove(RemotingCommand& request);
  remoting::Reply system_topics(RemotingCommand& request);
  remoting::Reply clean_unused(RemotingCommand& request);
  remoting::Reply get(RemotingCommand& request);

 private:
  /// Checks name and attributes, and turns the attributes asked for into those it shall have.
  [[nodiscard]] std::optional<Refusal> settle(TopicConfig& config) const;
  void remove_one(const std::string& topic);

  MessageStore& store_;
  TopicConfigManager& topics_;
  ConsumerOffsetManager& offsets_;
};

}  // namespace skylark::broker
