// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/detail/consumer_api.h"
#include "client/detail/instance.h"
#include "client/pull_consumer.h"

namespace skylark::client {

/// A queue being read: messages fetched ahead, and where polling stands. After a seek a fresh object takes its place; the old
/// one, `dropped`, lives until its last pull ends.
struct ReadQueue {
  MessageQueue queue;
  std::deque<ReceivedMessage> ahead;
  std::int64_t polled = 0;   ///< Everything before it was polled, or filtered out.
  std::int64_t fetched = 0;  ///< Where the next pull begins.
  std::int64_t suggested_broker_id = 0;
  bool dropped = false;
};
using ReadQueuePtr = std::shared_ptr<ReadQueue>;

/// The asynchronous core of `PullConsumer`. Everything runs on the io thread.
class PullCore final : public Role {
 public:
  explicit PullCore(PullConsumerOptions options);
  ~PullCore() override;

  Outcome<> start();
  void shutdown();
  [[nodiscard]] Instance& instance() noexcept { return instance_; }
  [[nodiscard]] Core& core() noexcept { return instance_.core(); }
  [[nodiscard]] const PullConsumerOptions& options() const noexcept { return options_; }

  Task<Outcome<>> assign(std::vector<MessageQueue> queues);
  Task<Outcome<>> subscribe(SubscriptionData subscription);
  Task<Outcome<std::vector<MessageQueue>>> assignment();
  Task<Outcome<std::vector<ReceivedMessage>>> poll(milliseconds timeout, std::size_t count_max);
  Task<Outcome<>> seek(MessageQueue queue, std::int64_t offset);
  Task<Outcome<>> seek_to_begin(MessageQueue queue);
  Task<Outcome<>> seek_to_end(MessageQueue queue);
  Task<Outcome<>> seek_to_time(MessageQueue queue, std::int64_t timestamp_ms);
  Task<Outcome<>> commit();
  Task<Outcome<>> commit_one(MessageQueue queue, std::int64_t offset);
  Task<Outcome<std::optional<std::int64_t>>> committed(MessageQueue queue);
  Task<Outcome<std::vector<MessageQueue>>> queues_of(std::string topic);
  Task<Outcome<std::int64_t>> min_of(MessageQueue queue);
  Task<Outcome<std::int64_t>> max_of(MessageQueue queue);
  Task<Outcome<std::int64_t>> by_time(MessageQueue queue, std::int64_t timestamp_ms);
  Task<Outcome<PullBatch>> pull_once(MessageQueue queue, std::int64_t offset, std::int32_t count_max, milliseconds hold);

  // Role
  void describe(HeartbeatData& into) override;
  remoting::Reply serve(RemotingCommand& request, const remoting::ConnectionPtr& connection) override;

 private:
  /// The brokers of a topic must be known before any request about its queues.
  Task<Outcome<>> know(std::string topic);
  Task<Outcome<>> read_from_start(MessageQueue queue);
  void read_from(const MessageQueue& queue, std::int64_t offset);
  Task<void> drop(MessageQueue queue);
  Task<void> fetch_loop(ReadQueuePtr reading);
  [[nodiscard]] SubscriptionData subscription_of(const std::string& topic) const;
  std::vector<ReceivedMessage> take_ahead(std::size_t count_max);
  Task<void> rebalance_loop();
  Task<bool> rebalance();
  Task<void> commit_loop();
  Task<Outcome<>> finish();

  const PullConsumerOptions options_;
  std::map<std::string, SubscriptionData> subscriptions_;
  std::map<MessageQueue, ReadQueuePtr> reading_;
  MessageQueue last_polled_;
  std::atomic<bool> started_{false};
  bool loops_run_ = false;
  Instance instance_;
  std::unique_ptr<Alarm> rebalance_alarm_;
  std::unique_ptr<Alarm> arrived_;
};

}  // namespace skylark::client
