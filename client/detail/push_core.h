// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/detail/consumer_api.h"
#include "client/detail/instance.h"
#include "client/detail/offset_store.h"
#include "client/detail/process_queue.h"
#include "client/detail/worker_pool.h"
#include "client/push_consumer.h"

namespace skylark::client {

/// A queue that is ours. When it is lost, or restarted at another offset, `dropped` is set and the object lives on until the last
/// pull and listener that know it have ended; what they bring no longer counts.
struct AssignedQueue {
  AssignedQueue(MessageQueue which, std::int64_t position) : queue(std::move(which)), window(position) {}

  const MessageQueue queue;
  ProcessQueue window;
  std::atomic<bool> dropped{false};  // Read by workers.
  bool consuming = false;            // Ordered: the listener has messages of this queue.
  bool locked = false;               // Ordered, clustering.
  std::chrono::steady_clock::time_point locked_at;
  std::int64_t suggested_broker_id = 0;
  std::int64_t last_pull_ms = 0;
  std::int64_t last_consume_ms = 0;
};
using AssignedQueuePtr = std::shared_ptr<AssignedQueue>;

/// The asynchronous core of `PushConsumer`. State belongs to the io thread, but for what says otherwise.
class PushCore final : public Role {
 public:
  explicit PushCore(PushConsumerOptions options);
  ~PushCore() override;

  Outcome<> start();
  void shutdown();
  void set_subscription(SubscriptionData subscription);  ///< Threads: any.
  void remove_subscription(const std::string& topic);    ///< Threads: any.
  void set_paused(bool paused) noexcept { paused_ = paused; }
  [[nodiscard]] std::vector<MessageQueue> assigned_queues();  ///< Threads: any but the io thread.
  [[nodiscard]] Instance& instance() noexcept { return instance_; }

  ConcurrentListener concurrent_listener;
  OrderedListener ordered_listener;

  // Role
  void describe(HeartbeatData& into) override;
  remoting::Reply serve(RemotingCommand& request, const remoting::ConnectionPtr& connection) override;

 private:
  [[nodiscard]] Core& core() noexcept { return instance_.core(); }
  [[nodiscard]] bool ordered() const noexcept { return static_cast<bool>(ordered_listener); }
  [[nodiscard]] bool clustering() const noexcept { return options_.model == MessageModel::clustering; }
  [[nodiscard]] bool needs_locks() const noexcept { return ordered() && clustering(); }
  [[nodiscard]] std::int32_t reconsume_times_max() const noexcept;
  [[nodiscard]] std::map<std::string, SubscriptionData> subscriptions() const;

  // push_core.cc: life, division of queues, offsets.
  Task<Outcome<>> begin();
  Task<Outcome<>> finish();
  Task<void> rebalance_loop();
  Task<bool> rebalance();  ///< False when something could not be had now and is to be tried again soon.
  Task<bool> take_share(const std::string& topic, std::vector<MessageQueue> share);
  Task<bool> assign(MessageQueue queue);
  void lose(const AssignedQueuePtr& lost);
  Task<void> release(AssignedQueuePtr lost);
  Task<std::optional<std::int64_t>> first_offset(MessageQueue queue);
  Task<void> restart_at(AssignedQueuePtr old, std::int64_t offset);
  Task<void> persist_loop();
  Task<void> persist();
  Task<void> persist_one(MessageQueue queue);
  Task<void> lock_loop();
  Task<void> lock_assigned();
  [[nodiscard]] bool lock_is_live(const AssignedQueue& queue) const;

  // push_pull.cc
  Task<void> pull_loop(AssignedQueuePtr assigned);
  [[nodiscard]] std::optional<milliseconds> pause_before_pull(const AssignedQueue& assigned) const;
  [[nodiscard]] std::optional<PullQuestion> next_question(const AssignedQueue& assigned) const;
  void take_answer(const AssignedQueuePtr& assigned, PullAnswer answer);

  // push_consume.cc
  void dispatch(const AssignedQueuePtr& assigned);
  Task<void> consume_batch(AssignedQueuePtr assigned, std::vector<ReceivedMessage> messages);
  Task<void> retry_later(AssignedQueuePtr assigned, std::vector<ReceivedMessage> messages);
  Task<void> consume_in_order(AssignedQueuePtr assigned);
  Task<std::vector<ReceivedMessage>> drop_exhausted(AssignedQueuePtr assigned, std::vector<ReceivedMessage> messages);
  void note_progress(const AssignedQueuePtr& assigned);

  // push_serve.cc
  void on_reset_offset(const RemotingCommand& request);
  remoting::Reply on_status(const RemotingCommand& request);
  remoting::Reply on_running_info(const RemotingCommand& request);
  remoting::Reply on_consume_directly(const RemotingCommand& request, const remoting::ConnectionPtr& connection);
  Task<void> consume_directly(ReceivedMessage message, remoting::Responder responder);

  const PushConsumerOptions options_;
  mutable std::mutex subscription_mutex_;  // Guards the next member alone.
  std::map<std::string, SubscriptionData> subscriptions_;
  std::atomic<bool> paused_{false};
  std::atomic<bool> started_{false};
  const std::int64_t start_timestamp_ms_;

  std::map<MessageQueue, AssignedQueuePtr> assigned_;
  std::set<MessageQueue> releasing_;  // Lost, but the ordered listener still has messages of them.
  OffsetStore offsets_;
  std::size_t in_hand_ = 0;  // Batches given to workers whose outcome is not dealt with.
  std::map<std::string, std::int64_t> failed_count_;  // By topic.
  WorkerPool workers_;
  Instance instance_;
  OffsetFile offset_file_;
  std::unique_ptr<Alarm> rebalance_alarm_;
};

}  // namespace skylark::client
