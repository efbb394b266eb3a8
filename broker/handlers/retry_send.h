// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "broker/message_hooks.h"

namespace skylark::broker {

class QueueLockManager;
class SubscriptionGroupManager;
class TopicConfigManager;

/// What a send to a retry topic goes through: clients send there when sending back fails. A message consumed too often, or one of
/// a group that consumes in order, goes to the dead-letter topic of the group instead.
/// Threads: any. Source: SendMessageProcessor.java handleRetryAndDLQ.
class RetrySendPath {
 public:
  RetrySendPath(TopicConfigManager& topics, SubscriptionGroupManager& groups, const QueueLockManager& locks)
      : topics_(topics), groups_(groups), locks_(locks) {}

  /// A `RetryHook`. Refuses an unknown group (26) and a dead-letter topic that cannot be made (1).
  [[nodiscard]] std::optional<Refusal> redirect(const RetrySend& send, PutMessage& message, OwnedParts& parts) const;

 private:
  TopicConfigManager& topics_;
  SubscriptionGroupManager& groups_;
  const QueueLockManager& locks_;
};

}  // namespace skylark::broker
