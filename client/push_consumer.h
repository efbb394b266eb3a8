// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "client/message.h"
#include "client/options.h"
#include "client/outcome.h"

namespace skylark::client {

class PushCore;

enum class ConsumeResult {
  success,
  later,  ///< The broker delivers the messages again after a growing delay, and keeps them as dead letters after the last try.
};

/// What a concurrent listener may look at and change.
struct ConsumeContext {
  MessageQueue queue;
  std::int32_t retry_delay_level = 0;  ///< For `later`: 0 grows with each try, 1..18 that level, -1 dead letters at once.
  /// For `success` of a batch: so many of its first messages are consumed, the others are delivered again.
  std::size_t consumed_count = std::numeric_limits<std::size_t>::max();
};

enum class OrderedResult {
  success,
  suspend,  ///< The same messages come again after a pause, before any later one of their queue.
};

struct OrderedContext {
  MessageQueue queue;
  milliseconds suspend_for{0};  ///< For `suspend`: the pause; 0 means `PushConsumerOptions::suspend_order`.
};

/// Called on worker threads, several at once, in any order. An exception counts as `later`.
using ConcurrentListener = std::function<ConsumeResult(const std::vector<ReceivedMessage>& messages, ConsumeContext& context)>;
/// Called on worker threads, never twice at once for one queue, in the order of offsets. An exception counts as `suspend`.
using OrderedListener = std::function<OrderedResult(const std::vector<ReceivedMessage>& messages, OrderedContext& context)>;

/// Calls a listener for every message of the subscribed topics: at least once for each group (clustering), or for each client
/// (broadcasting). Members of a group share the queues of a topic; all of them must subscribe the same.
///
/// Life:    subscribe, set one listener, `start()` once, `shutdown()` once, which the destructor does too. `shutdown()` waits for
///          listeners that run, and commits what they consumed.
/// Threads: every member from any thread; `shutdown()` not from the listener.
/// Source:  DefaultMQPushConsumer.java.
class PushConsumer {
 public:
  explicit PushConsumer(PushConsumerOptions options);
  ~PushConsumer();
  PushConsumer(const PushConsumer&) = delete;
  PushConsumer& operator=(const PushConsumer&) = delete;

  /// `expression`: `*`, or tags as `a || b`. Also while running. Failures: `malformed`.
  Outcome<> subscribe(std::string topic, const std::string& expression = "*");
  /// SQL92 over properties, where the broker allows it.
  void subscribe_sql(std::string topic, std::string expression);
  void unsubscribe(const std::string& topic);
  void set_listener(ConcurrentListener listener);
  void set_ordered_listener(OrderedListener listener);

  /// Failures: `invalid_argument` for a bad group, no listener, or no name server. It does not wait for brokers.
  Outcome<> start();
  void shutdown();
  /// Stops pulling until `resume()`; what was pulled is still consumed.
  void suspend();
  void resume();

  [[nodiscard]] const std::string& client_id() const noexcept;
  /// Queues that are this client's now, without those of the retry topic.
  [[nodiscard]] std::vector<MessageQueue> assigned_queues();

 private:
  std::unique_ptr<PushCore> core_;
};

}  // namespace skylark::client
