// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "protocol/bodies/stats.h"
#include "protocol/bodies/topic_config.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class BrokerStats;
class ConsumerManager;
class ConsumerOffsetManager;
class MessageStore;
class SubscriptionGroupManager;
class TopicConfigManager;

/// How far topics have grown and groups have come: codes 202, 208, 300, 303, 315, 317, 343. Dashboards and exporters poll them for
/// every topic and group. Threads: any. Source: AdminBrokerProcessor.java.
class StatsAdmin {
 public:
  struct Identity {
    std::string broker_name;
    std::string address;
  };
  StatsAdmin(MessageStore& store, const TopicConfigManager& topics, const SubscriptionGroupManager& groups,
             const ConsumerOffsetManager& offsets, const ConsumerManager& consumers, const BrokerStats& stats, Clock& clock,
             Identity identity)
      : store_(store),
        topics_(topics),
        groups_(groups),
        offsets_(offsets),
        consumers_(consumers),
        stats_(stats),
        clock_(clock),
        identity_(std::move(identity)) {}

  remoting::Reply topic_stats(RemotingCommand& request);
  remoting::Reply consume_stats(RemotingCommand& request);
  remoting::Reply all_consume_stats(RemotingCommand& request);
  remoting::Reply groups_of_topic(RemotingCommand& request);
  remoting::Reply topics_of_group(RemotingCommand& request);
  remoting::Reply consume_time_span(RemotingCommand& request);
  remoting::Reply broker_stats(RemotingCommand& request);

 private:
  /// Adds a row for each queue. False when the topic is unknown, or the group is online and does not subscribe to it.
  bool add_consume_rows(const std::string& group, const std::string& topic, ConsumeStats& stats) const;
  [[nodiscard]] bool is_dropped_subscription(const std::string& group, const std::string& topic) const;

  MessageStore& store_;
  const TopicConfigManager& topics_;
  const SubscriptionGroupManager& groups_;
  const ConsumerOffsetManager& offsets_;
  const ConsumerManager& consumers_;
  const BrokerStats& stats_;
  Clock& clock_;
  const Identity identity_;
};

}  // namespace skylark::broker
