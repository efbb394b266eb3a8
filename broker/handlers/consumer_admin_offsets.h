// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "remoting/dispatcher.h"

namespace skylark::broker {

class ConsumerManager;
class ConsumerOffsetManager;
class TopicConfigManager;

/// Codes 43 (progress of all groups), 308 (the least progress of all groups of a topic) and 314 (one group takes over another's progress).
/// Threads: any. Source: AdminBrokerProcessor.java getAllConsumerOffset, queryCorrectionOffset, cloneGroupOffset.
class ConsumerOffsetAdmin {
 public:
  ConsumerOffsetAdmin(const TopicConfigManager& topics, ConsumerOffsetManager& offsets, const ConsumerManager& consumers)
      : topics_(topics), offsets_(offsets), consumers_(consumers) {}

  remoting::Reply all(RemotingCommand& request);
  remoting::Reply correction(RemotingCommand& request);
  remoting::Reply clone(RemotingCommand& request);

 private:
  const TopicConfigManager& topics_;
  ConsumerOffsetManager& offsets_;
  const ConsumerManager& consumers_;
};

}  // namespace skylark::broker
