// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/setting.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/offsets.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerManager;
class ConsumerOffsetManager;
class MessageStore;
class SubscriptionGroupManager;
class TopicConfigManager;

struct ResetOffsetOptions {
  std::string broker_name;
  bool replica = false;
  /// Answers the pulls that wait at a queue, so that they hear of the reset now and not when they expire.
  std::function<void(const std::string& topic, std::int32_t queue_id)> wake_pulls = {};
};

/// Codes 222 (move a group to a time or an offset) and 223 (where its clients are).
///
/// With useServerSideResetOffset the new offsets are handed out by the next pulls, whether or not a client is online; without it they
/// are told to the online clients (220), as brokers before 5.0 did.
/// Threads: any. Source: AdminBrokerProcessor.java resetOffset, Broker2Client.java resetOffset, getConsumeStatus.
class ResetOffsetHandler {
 public:
  ResetOffsetHandler(MessageStore& store, const TopicConfigManager& topics, const SubscriptionGroupManager& groups,
                     ConsumerOffsetManager& offsets, const ConsumerManager& consumers, const Setting<bool>& server_side,
                     ResetOffsetOptions options)
      : store_(store),
        topics_(topics),
        groups_(groups),
        offsets_(offsets),
        consumers_(consumers),
        server_side_(server_side),
        options_(std::move(options)) {}

  remoting::Reply reset(RemotingCommand& request);
  remoting::Reply consumer_status(RemotingCommand& request, const remoting::ConnectionPtr& connection);

 private:
  RemotingCommand reset_here(const RemotingCommand& request, const ResetOffsetRequestHeader& header);
  RemotingCommand reset_in_clients(const RemotingCommand& request, const ResetOffsetRequestHeader& header);
  std::int64_t offset_at(const std::string& topic, std::int32_t queue_id, std::int64_t timestamp_ms);

  MessageStore& store_;
  const TopicConfigManager& topics_;
  const SubscriptionGroupManager& groups_;
  ConsumerOffsetManager& offsets_;
  const ConsumerManager& consumers_;
  const Setting<bool>& server_side_;
  const ResetOffsetOptions options_;
};

}  // namespace skylark::broker
