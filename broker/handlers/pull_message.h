// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "broker/broker_config.h"
#include "broker/broker_stats.h"
#include "broker/cold_reads.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/filter/consumer_filter_manager.h"
#include "broker/held_pulls.h"
#include "broker/message_store.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "protocol/pull_headers.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// What a pull looks at, besides the settings.
struct PullParts {
  TopicConfigManager& topics;
  SubscriptionGroupManager& groups;
  ConsumerManager& consumers;
  ConsumerOffsetManager& offsets;
  MessageStore& store;
  HeldPulls& held_pulls;
  ColdReads& cold_reads;
  ConsumerFilterManager& filters;
  BrokerStats& stats;
  Clock& clock;
  std::function<bool()> master_known;  ///< On a replica: whether its group has a master now.
};

/// Codes 11 and 361: messages of one queue from an offset on, filtered by tag or expression; holds the request when there are none yet.
/// Messages that have to be read from disk are left to the workers, which answer later. Source: PullMessageProcessor.java,
/// DefaultPullMessageResultHandler.java 5.3.3.
class PullMessageHandler {
 public:
  PullMessageHandler(const BrokerConfig& config, PullParts parts);

  remoting::Reply handle(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  /// Answers a held pull, found or not; it is not held again.
  void resume(HeldPull pull);

 private:
  struct Checked;
  struct ColdPull;

  remoting::Reply process(RemotingCommand& request, const remoting::ConnectionPtr& connection, bool may_hold);
  [[nodiscard]] std::optional<RemotingCommand> check(const RemotingCommand& request, const PullMessageRequestHeader& header,
                                                     const remoting::ConnectionPtr& connection, Checked& checked);
  [[nodiscard]] std::optional<RemotingCommand> check_subscription(const RemotingCommand& request, const PullMessageRequestHeader& header,
                                                                  Checked& checked);
  [[nodiscard]] std::optional<RemotingCommand> choose_filter(const RemotingCommand& request, const PullMessageRequestHeader& header,
                                                             const SubscriptionPtr& subscription, Checked& checked);
  [[nodiscard]] GetResult read(const PullMessageRequestHeader& header, const Checked& checked, bool may_wait);
  [[nodiscard]] remoting::Reply read_cold(RemotingCommand& request, const remoting::ConnectionPtr& connection, Checked checked,
                                          bool may_hold);
  void answer_cold(ColdPull& pull);
  [[nodiscard]] remoting::Reply finish(RemotingCommand& request, const PullMessageRequestHeader& header,
                                       const remoting::ConnectionPtr& connection, const Checked& checked, GetResult& result, bool may_hold);
  [[nodiscard]] RemotingCommand answer_result(const RemotingCommand& request, const PullMessageRequestHeader& header,
                                              const Checked& checked, GetResult& result) const;
  [[nodiscard]] bool hold(RemotingCommand& request, const PullMessageRequestHeader& header, const remoting::ConnectionPtr& connection,
                          const Checked& checked);

  const BrokerConfig& config_;
  const bool slave_;
  PullParts parts_;
};

}  // namespace skylark::broker
