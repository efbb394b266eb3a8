// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/log.h"
#include "client/detail/identity.h"
#include "client/detail/push_core.h"

namespace skylark::client {

namespace {

constexpr milliseconds kLocalRetryPause{5'000};  // ConsumeMessageConcurrentlyService.submitConsumeRequestLater.

using Batch = std::shared_ptr<std::vector<ReceivedMessage>>;

struct ConcurrentVerdict {
  ConsumeResult result = ConsumeResult::later;
  ConsumeContext context;
  bool skipped = false;  ///< The queue was lost before the listener saw the messages.
};

struct OrderedVerdict {
  OrderedResult result = OrderedResult::suspend;
  OrderedContext context;
  bool skipped = false;
};

template <class Verdict, class Listener>
Verdict call_listener(const Listener& listener, const AssignedQueue& assigned, const Batch& batch) {
  Verdict verdict;
  verdict.context.queue = assigned.queue;
  verdict.skipped = assigned.dropped;
  if (verdict.skipped) return verdict;
  try {
    verdict.result = listener(*batch, verdict.context);
  } catch (const std::exception& thrown) {
    log::warn("the listener threw on {}: {}", assigned.queue.to_string(), thrown.what());
  } catch (...) {
    log::warn("the listener threw on {}", assigned.queue.to_string());
  }
  return verdict;
}

std::vector<std::int64_t> offsets_of(const std::vector<ReceivedMessage>& messages) {
  std::vector<std::int64_t> offsets;
  for (const ReceivedMessage& message : messages) offsets.push_back(message.queue_offset);
  return offsets;
}

/// Counts one while it lives.
class Counted {
 public:
  explicit Counted(std::size_t& counter) : counter_(counter) { ++counter_; }
  ~Counted() { --counter_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& counter_;
};

}  // namespace

void PushCore::note_progress(const AssignedQueuePtr& assigned) {
  if (!assigned->dropped) offsets_.update(assigned->queue, assigned->window.commit_offset(), true);
}

void PushCore::dispatch(const AssignedQueuePtr& assigned) {
  if (ordered()) {
    if (!assigned->consuming && assigned->window.has_waiting()) core().spawn(consume_in_order(assigned));
    return;
  }
  while (assigned->window.has_waiting()) core().spawn(consume_batch(assigned, assigned->window.take(options_.consume_batch_max)));
}

Task<void> PushCore::consume_batch(AssignedQueuePtr assigned, std::vector<ReceivedMessage> messages) {
  const Counted counted(in_hand_);
  const auto batch = std::make_shared<std::vector<ReceivedMessage>>(std::move(messages));
  std::function<ConcurrentVerdict()> job = [this, assigned, batch] {
    return call_listener<ConcurrentVerdict>(concurrent_listener, *assigned, batch);
  };
  const std::optional<ConcurrentVerdict> verdict = co_await run_on<ConcurrentVerdict>(workers_, std::move(job));
  if (!verdict || verdict->skipped || assigned->dropped) co_return;  // Not committed: somebody gets them again.
  assigned->last_consume_ms = now_ms();

  const std::size_t consumed_count =
      verdict->result == ConsumeResult::success ? std::min(verdict->context.consumed_count, batch->size()) : 0;
  std::vector<std::int64_t> done;
  std::vector<ReceivedMessage> again;
  for (std::size_t i = 0; i < batch->size(); ++i) {
    ReceivedMessage& message = (*batch)[i];
    if (i >= consumed_count && clustering()) {  // Broadcasting has no retries.
      ++failed_count_[message.topic];
      Outcome<> returned =
          co_await send_back(instance_, options_.group, message, verdict->context.retry_delay_level, reconsume_times_max());
      if (!returned) {
        log::warn("{} of {} could not be sent back: {}", message.message_id, message.queue.to_string(), returned.error().describe());
        again.push_back(std::move(message));
        continue;
      }
    }
    done.push_back(message.queue_offset);
  }
  assigned->window.finish(done);
  note_progress(assigned);
  if (!again.empty()) core().spawn(retry_later(assigned, std::move(again)));
}

Task<void> PushCore::retry_later(AssignedQueuePtr assigned, std::vector<ReceivedMessage> messages) {
  const bool in_time = co_await core().sleep(kLocalRetryPause);
  if (!in_time || assigned->dropped) co_return;
  for (ReceivedMessage& message : messages) ++message.reconsume_times;
  core().spawn(consume_batch(assigned, std::move(messages)));
}

Task<void> PushCore::consume_in_order(AssignedQueuePtr assigned) {
  if (assigned->consuming) co_return;
  const Counted counted(in_hand_);
  assigned->consuming = true;
  while (assigned->window.has_waiting() && !assigned->dropped && !core().stopping()) {
    if (needs_locks() && !lock_is_live(*assigned)) break;  // Another member may have it; `lock_assigned` decides.
    const auto batch = std::make_shared<std::vector<ReceivedMessage>>(assigned->window.take(options_.consume_batch_max));
    std::function<OrderedVerdict()> job = [this, assigned, batch] {
      return call_listener<OrderedVerdict>(ordered_listener, *assigned, batch);
    };
    const std::optional<OrderedVerdict> verdict = co_await run_on<OrderedVerdict>(workers_, std::move(job));
    if (!verdict || verdict->skipped) break;
    assigned->last_consume_ms = now_ms();
    if (verdict->result == OrderedResult::success) {
      assigned->window.finish(offsets_of(*batch));
      // Also for a queue being lost: its release waits for us and commits.
      offsets_.update(assigned->queue, assigned->window.commit_offset(), true);
      continue;
    }
    std::vector<ReceivedMessage> rest = co_await drop_exhausted(assigned, std::move(*batch));
    if (rest.empty()) continue;
    assigned->window.give_back(std::move(rest));
    const milliseconds pause = verdict->context.suspend_for.count() > 0 ? verdict->context.suspend_for : options_.suspend_order;
    co_await core().sleep(pause);
  }
  assigned->consuming = false;
}

Task<std::vector<ReceivedMessage>> PushCore::drop_exhausted(AssignedQueuePtr assigned, std::vector<ReceivedMessage> messages) {
  std::vector<ReceivedMessage> rest;
  std::vector<std::int64_t> done;
  for (ReceivedMessage& message : messages) {
    ++failed_count_[message.topic];
    if (clustering() && message.reconsume_times >= reconsume_times_max()) {
      Outcome<> dead = co_await send_back(instance_, options_.group, message, -1, reconsume_times_max());
      if (dead) {
        done.push_back(message.queue_offset);
        continue;
      }
    }
    ++message.reconsume_times;
    rest.push_back(std::move(message));
  }
  assigned->window.finish(done);
  note_progress(assigned);
  co_return rest;
}

}  // namespace skylark::client
