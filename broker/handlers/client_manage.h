// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "broker/broker_config.h"
#include "broker/client_channel.h"
#include "broker/consumer_manager.h"
#include "broker/filter/consumer_filter_manager.h"
#include "broker/producer_manager.h"
#include "broker/subscription_group_manager.h"
#include "base/text_map.h"
#include "broker/topic_config_manager.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// Codes 34, 35, 38 and 46: which clients are there, and in which groups. Source: ClientManageProcessor.java,
/// ConsumerManageProcessor.java 5.3.3.
class ClientManageHandler {
 public:
  ClientManageHandler(const BrokerConfig& config, ConsumerManager& consumers, ProducerManager& producers, SubscriptionGroupManager& groups,
                      TopicConfigManager& topics, ConsumerFilterManager& filters);
  remoting::Reply heartbeat(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply unregister(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply consumer_list(RemotingCommand& request);
  remoting::Reply check_config(RemotingCommand& request);

 private:
  void register_group(const ConsumerData& data, const ClientChannel& client, bool keep_subscriptions);
  /// Whether the group's subscriptions differ from the last full heartbeat, by their fingerprint (heartbeat V2).
  [[nodiscard]] bool subscriptions_changed(const HeartbeatData& data);

  const BrokerConfig& config_;
  ConsumerManager& consumers_;
  ProducerManager& producers_;
  SubscriptionGroupManager& groups_;
  TopicConfigManager& topics_;
  ConsumerFilterManager& filters_;
  std::mutex mutex_;
  TextMap<std::int32_t> fingerprints_;  ///< By group.
};

}  // namespace skylark::broker
