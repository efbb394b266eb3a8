// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/log.h"
#include "client/detail/identity.h"
#include "client/detail/push_core.h"
#include "client/detail/records.h"
#include "protocol/response_code.h"

namespace skylark::client {

namespace {

// DefaultMQPushConsumerImpl.java: pauses after an error, a broker's flow control, our own, while paused, and without a lock.
constexpr milliseconds kErrorPause{1'000}, kBusyPause{20}, kFullPause{50}, kPausedPause{200}, kUnlockedPause{200}, kShortHold{100};

milliseconds pause_after(const Failure& failure) {
  return failure.response_code() == to_int(ResponseCode::system_busy) ? kBusyPause : kErrorPause;
}

}  // namespace

std::optional<milliseconds> PushCore::pause_before_pull(const AssignedQueue& assigned) const {
  if (paused_) return kPausedPause;
  if (needs_locks() && !lock_is_live(assigned)) return kUnlockedPause;
  const ProcessQueue& window = assigned.window;
  if (window.count() > options_.cached_count_max || window.size_bytes() > options_.cached_size_max_bytes) return kFullPause;
  if (!ordered() && window.span() > options_.cached_span_max) return kFullPause;
  return std::nullopt;
}

std::optional<PullQuestion> PushCore::next_question(const AssignedQueue& assigned) const {
  const auto wanted = subscriptions();
  const auto subscription = wanted.find(assigned.queue.topic);
  if (subscription == wanted.end()) return std::nullopt;
  PullQuestion question;
  question.group = options_.group;
  question.queue = assigned.queue;
  question.offset = assigned.window.position();
  question.count_max = options_.pull_batch_max;
  question.hold = options_.pull_hold;
  question.timeout = options_.pull_timeout;
  question.subscription = subscription->second;
  question.broker_id = assigned.suggested_broker_id;
  if (clustering() && question.broker_id == 0) question.commit_offset = offsets_.find(assigned.queue);  // Replicas keep no offsets.
  return question;
}

Task<void> PushCore::pull_loop(AssignedQueuePtr assigned) {
  while (!assigned->dropped && !core().stopping()) {
    if (const auto pause = pause_before_pull(*assigned)) {
      co_await core().sleep(*pause);
      continue;
    }
    std::optional<PullQuestion> question = next_question(*assigned);
    if (!question) co_return;  // Unsubscribed: the next rebalance takes the queue away.
    const auto asked_at = std::chrono::steady_clock::now();
    Outcome<PullAnswer> answer = co_await pull(instance_, std::move(*question));
    assigned->last_pull_ms = now_ms();
    if (assigned->dropped || core().stopping()) co_return;
    if (!answer) {
      log::debug("pull of {}: {}", assigned->queue.to_string(), answer.error().describe());
      assigned->suggested_broker_id = 0;
      co_await core().sleep(pause_after(answer.error()));
      continue;
    }
    if (answer->status == PullStatus::offset_illegal) {
      log::info("offset {} of {} is not there or was reset, on to {}", assigned->window.position(), assigned->queue.to_string(),
                answer->next_begin_offset);
      if (answer->next_begin_offset == assigned->window.position()) co_await core().sleep(kErrorPause);
      co_await restart_at(assigned, answer->next_begin_offset);
      co_return;
    }
    const bool brought_nothing = answer->next_begin_offset == assigned->window.position();
    take_answer(assigned, std::move(*answer));
    // A broker that does not hold pulls, or sees the same gap again, is not to be asked in a circle.
    if (brought_nothing && std::chrono::steady_clock::now() - asked_at < kShortHold) co_await core().sleep(kFullPause);
  }
}

void PushCore::take_answer(const AssignedQueuePtr& assigned, PullAnswer answer) {
  assigned->suggested_broker_id = answer.suggested_broker_id;
  for (ReceivedMessage& message : answer.messages) restore_topic(message, options_.group);
  assigned->window.put(std::move(answer.messages), answer.next_begin_offset);
  note_progress(assigned);  // What a filter took out is consumed.
  dispatch(assigned);
}

}  // namespace skylark::client
