// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "protocol/bodies/subscription_group.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConfigTable;
class ConsumerOffsetManager;
class SubscriptionGroupManager;

/// The consumer groups of this broker as tools make, change, list and delete them: codes 200, 201, 207, 225, 352, 353.
/// A change is answered when it is durable. Threads: any. Source: AdminBrokerProcessor.java.
class GroupAdmin {
 public:
  /// `table` is the file of `groups`.
  GroupAdmin(SubscriptionGroupManager& groups, ConfigTable& table, ConsumerOffsetManager& offsets)
      : groups_(groups), table_(table), offsets_(offsets) {}

  remoting::Reply update(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply update_list(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply list(RemotingCommand& request);
  remoting::Reply remove(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply get(RemotingCommand& request);
  remoting::Reply forbid(RemotingCommand& request, const remoting::ConnectionPtr& connection);

 private:
  /// Turns the attributes asked for into those it shall have; what is wrong with them, or nothing.
  [[nodiscard]] std::string settle(SubscriptionGroupConfig& config) const;

  SubscriptionGroupManager& groups_;
  ConfigTable& table_;
  ConsumerOffsetManager& offsets_;
};

}  // namespace skylark::broker
