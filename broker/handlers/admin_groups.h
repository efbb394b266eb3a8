// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "protocol/bodies/subscription_group.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerOffsetManager;
class SubscriptionGroupManager;

/// The consumer groups of this broker as tools make, change, list and delete them: codes 200, 201, 207, 225, 352, 353.
/// Threads: any. Source: AdminBrokerProcessor.java.
class GroupAdmin {
 public:
  GroupAdmin(SubscriptionGroupManager& groups, ConsumerOffsetManager& offsets) : groups_(groups), offsets_(offsets) {}

  remoting::Reply update(RemotingCommand& request);
  remoting::Reply update_list(RemotingCommand& request);
  remoting::Reply list(RemotingCommand& request);
  remoting::Reply remove(RemotingCommand& request);
  remoting::Reply get(RemotingCommand& request);
  remoting::Reply forbid(RemotingCommand& request);

 private:
  /// Turns the attributes asked for into those it shall have; what is wrong with them, or nothing.
  [[nodiscard]] std::string settle(SubscriptionGroupConfig& config) const;

  SubscriptionGroupManager& groups_;
  ConsumerOffsetManager& offsets_;
};

}  // namespace skylark::broker
