// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "broker/broker_config.h"
#include "broker/handlers/send_puts.h"
#include "broker/handlers/sent_properties.h"
#include "broker/message_hooks.h"
#include "broker/message_store.h"
#include "broker/parts.h"
#include "broker/topic_config_manager.h"
#include "protocol/remoting_command.h"
#include "protocol/send_headers.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// Codes 10, 310 and 320: checks a message or a batch, stores it, and answers when what the settings promise is true: at once, or
/// later from a thread of the store. Source: SendMessageProcessor.java, AbstractSendMessageProcessor.java 5.3.3.
class SendMessageHandler {
 public:
  SendMessageHandler(const BrokerConfig& config, const BrokerIdentity& identity, TopicConfigManager& topics, MessageStore& store,
                     BrokerStats& stats, const MessageHooks& hooks, Clock& clock);

  remoting::Reply handle(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  /// All requests of a read have been handled: stores what they brought and answers them.
  void dispatched(const remoting::ConnectionPtr& connection) const { puts_.dispatched(connection); }
  /// Waits until every accepted message has been answered, or that long.
  void wait_for_pending(std::chrono::milliseconds longest) const { puts_.wait_for_pending(longest); }

 private:
  [[nodiscard]] std::optional<Refusal> refuse_broker(const SendMessageRequestHeader& header) const;
  [[nodiscard]] TopicConfigPtr find_topic(const SendMessageRequestHeader& header);
  void fill(const SendMessageRequestHeader& header, const TopicConfig& topic, const remoting::Connection& connection,
            RecordFields& fields) const;
  remoting::Reply put_one(const RemotingCommand& request, const SendMessageRequestHeader& header, const TopicConfig& topic,
                          const remoting::ConnectionPtr& connection);
  remoting::Reply put_batch(const RemotingCommand& request, const SendMessageRequestHeader& header, const TopicConfig& topic,
                            const remoting::ConnectionPtr& connection);
  remoting::Reply put_inner_batch(const RemotingCommand& request, const SentMessages& sent, const SentProperties& known,
                                  PutMessage& message, std::string properties, const remoting::ConnectionPtr& connection) const;
  void add_broker_properties(std::string_view sent, const SentProperties& known, std::string& properties) const;

  const BrokerConfig& config_;
  const BrokerIdentity& identity_;
  TopicConfigManager& topics_;
  const MessageHooks& hooks_;
  Clock& clock_;
  const bool slave_;
  SendPuts puts_;
  const std::string region_;
  const std::string added_when_traced_;  ///< The properties that are added to most messages,
  const std::string added_untraced_;     ///< by whether messages are traced.
};

}  // namespace skylark::broker
