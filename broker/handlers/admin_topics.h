// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "broker/message_hooks.h"
#include "protocol/bodies/topic_config.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConfigTable;
class ConsumerOffsetManager;
class MessageStore;
class TopicConfigManager;

/// The topics of this broker as tools make, change, list and delete them: codes 17, 18, 21, 215, 305, 316, 351.
/// A change is answered when it is durable. Threads: any. Source: AdminBrokerProcessor.java, TopicQueueMappingManager.java aside.
class TopicAdmin {
 public:
  /// `table` is the file of `topics`.
  TopicAdmin(MessageStore& store, TopicConfigManager& topics, ConfigTable& table, ConsumerOffsetManager& offsets)
      : store_(store), topics_(topics), table_(table), offsets_(offsets) {}

  remoting::Reply update(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply update_list(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply list(RemotingCommand& request);
  remoting::Reply remove(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply system_topics(RemotingCommand& request);
  remoting::Reply clean_unused(RemotingCommand& request);
  remoting::Reply get(RemotingCommand& request);

 private:
  /// Checks name and attributes, and turns the attributes asked for into those it shall have.
  [[nodiscard]] std::optional<Refusal> settle(TopicConfig& config) const;
  void remove_one(const std::string& topic);

  MessageStore& store_;
  TopicConfigManager& topics_;
  ConfigTable& table_;
  ConsumerOffsetManager& offsets_;
};

}  // namespace skylark::broker
