// SPDX-License-Identifier: Apache-2.0
#include "client/detail/pull_core.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "client/detail/identity.h"
#include "client/detail/records.h"
#include "client/detail/send_policy.h"
#include "protocol/request_code.h"

namespace skylark::client {

namespace {

constexpr milliseconds kUnbalancedPause{1'000}, kErrorPause{1'000}, kFullPause{50}, kShortHold{100};

}  // namespace

PullCore::PullCore(PullConsumerOptions options)
    : options_(std::move(options)),
      instance_(options_.client, this),
      rebalance_alarm_(std::make_unique<Alarm>(instance_.core())),
      arrived_(std::make_unique<Alarm>(instance_.core())) {}

PullCore::~PullCore() { shutdown(); }

Outcome<> PullCore::start() {
  if (const auto checked = check_group(options_.group); !checked) return checked.error();
  if (const auto begun = instance_.start(); !begun) return begun.error();
  started_ = true;
  if (options_.auto_commit) core().spawn(commit_loop());
  return {};
}

void PullCore::shutdown() {
  core().begin_stop();
  if (started_.exchange(false)) (void)core().wait(finish());
  core().stop();
}

Task<Outcome<>> PullCore::finish() {
  if (options_.auto_commit) co_await commit();
  if (!subscriptions_.empty()) co_await instance_.unregister(std::nullopt, options_.group);
  co_return Outcome<>();
}

void PullCore::describe(HeartbeatData& into) {
  if (subscriptions_.empty()) return;  // Assigned by hand: nobody needs to know.
  ConsumerData data;
  data.group = options_.group;
  data.consume_type = "CONSUME_ACTIVELY";
  data.consume_from_where = options_.start_from == StartFrom::first_offset ? "CONSUME_FROM_FIRST_OFFSET" : "CONSUME_FROM_LAST_OFFSET";
  for (const auto& [topic, subscription] : subscriptions_) data.subscriptions.push_back(subscription);
  into.consumers.push_back(std::move(data));
}

remoting::Reply PullCore::serve(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  if (request.code != to_int(RequestCode::notify_consumer_ids_changed)) return Role::serve(request, connection);
  rebalance_alarm_->ring();
  return remoting::Reply::none();
}

Task<Outcome<>> PullCore::know(std::string topic) {
  Outcome<RoutePtr> route = co_await instance_.route(std::move(topic));
  if (!route) co_return route.error();
  co_return Outcome<>();
}

SubscriptionData PullCore::subscription_of(const std::string& topic) const {
  const auto found = subscriptions_.find(topic);
  if (found != subscriptions_.end()) return found->second;
  SubscriptionData everything;
  everything.topic = topic;
  return everything;
}

Task<Outcome<>> PullCore::assign(std::vector<MessageQueue> queues) {
  const std::set<MessageQueue> wanted(queues.begin(), queues.end());
  std::vector<MessageQueue> lost;
  for (const auto& [queue, reading] : reading_) {
    if (!wanted.contains(queue)) lost.push_back(queue);
  }
  for (const MessageQueue& queue : lost) co_await drop(queue);
  for (const MessageQueue& queue : wanted) {
    if (reading_.contains(queue)) continue;
    Outcome<> begun = co_await read_from_start(queue);
    if (!begun) co_return begun.error();
  }
  co_return Outcome<>();
}

Task<Outcome<>> PullCore::read_from_start(MessageQueue queue) {
  Outcome<> known = co_await know(queue.topic);
  if (!known) co_return known.error();
  Outcome<std::optional<std::int64_t>> committed = co_await committed_offset(instance_, options_.group, queue);
  if (!committed) co_return committed.error();
  const std::int64_t since = options_.start_timestamp_ms > 0 ? options_.start_timestamp_ms : now_ms();
  Outcome<std::int64_t> offset = co_await first_position(instance_, options_.group, queue, *committed, options_.start_from, since);
  if (!offset) co_return offset.error();
  if (!reading_.contains(queue)) read_from(queue, *offset);
  co_return Outcome<>();
}

void PullCore::read_from(const MessageQueue& queue, std::int64_t offset) {
  const auto fresh = std::make_shared<ReadQueue>();
  fresh->queue = queue;
  fresh->polled = offset;
  fresh->fetched = offset;
  ReadQueuePtr& place = reading_[queue];
  if (place != nullptr) place->dropped = true;
  place = fresh;
  core().spawn(fetch_loop(fresh));
}

Task<void> PullCore::drop(MessageQueue queue) {
  const auto found = reading_.find(queue);
  if (found == reading_.end()) co_return;
  const ReadQueuePtr lost = found->second;
  lost->dropped = true;
  reading_.erase(found);
  if (options_.auto_commit) co_await commit_offset(instance_, options_.group, queue, lost->polled);
}

Task<void> PullCore::fetch_loop(ReadQueuePtr reading) {
  while (!reading->dropped && !core().stopping()) {
    if (reading->ahead.size() >= options_.cached_count_max) {
      co_await core().sleep(kFullPause);
      continue;
    }
    PullQuestion question;
    question.group = options_.group;
    question.queue = reading->queue;
    question.offset = reading->fetched;
    question.count_max = options_.pull_batch_max;
    question.hold = options_.pull_hold;
    question.timeout = options_.pull_timeout;
    question.subscription = subscription_of(reading->queue.topic);
    question.broker_id = reading->suggested_broker_id;
    const auto asked_at = std::chrono::steady_clock::now();
    Outcome<PullAnswer> answer = co_await skylark::client::pull(instance_, std::move(question));
    if (reading->dropped || core().stopping()) co_return;
    if (!answer) {
      log::debug("pull of {}: {}", reading->queue.to_string(), answer.error().describe());
      reading->suggested_broker_id = 0;
      co_await core().sleep(kErrorPause);
      continue;
    }
    reading->suggested_broker_id = answer->suggested_broker_id;
    const bool brought_nothing = answer->next_begin_offset == reading->fetched;
    reading->fetched = answer->next_begin_offset;
    for (ReceivedMessage& message : answer->messages) reading->ahead.push_back(std::move(message));
    if (reading->ahead.empty()) reading->polled = reading->fetched;
    if (!answer->messages.empty()) arrived_->ring();
    if (brought_nothing && std::chrono::steady_clock::now() - asked_at < kShortHold) co_await core().sleep(kFullPause);
  }
}

std::vector<ReceivedMessage> PullCore::take_ahead(std::size_t count_max) {
  std::vector<ReceivedMessage> taken;
  // Begins behind the queue polled last, so that a busy queue does not hide the others.
  auto at = reading_.upper_bound(last_polled_);
  for (std::size_t i = 0; i < reading_.size() && taken.size() < count_max; ++i, ++at) {
    if (at == reading_.end()) at = reading_.begin();
    ReadQueue& reading = *at->second;
    if (reading.ahead.empty()) continue;
    last_polled_ = at->first;
    while (!reading.ahead.empty() && taken.size() < count_max) {
      taken.push_back(std::move(reading.ahead.front()));
      reading.ahead.pop_front();
    }
    reading.polled = reading.ahead.empty() ? reading.fetched : reading.ahead.front().queue_offset;
  }
  return taken;
}

Task<Outcome<std::vector<ReceivedMessage>>> PullCore::poll(milliseconds timeout, std::size_t count_max) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    std::vector<ReceivedMessage> taken = take_ahead(count_max);
    if (!taken.empty()) co_return taken;
    if (core().stopping()) co_return Failure(Errc::closed, "the consumer is shutting down");
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) co_return taken;
    co_await arrived_->wait(left);
  }
}

Task<Outcome<>> PullCore::subscribe(SubscriptionData subscription) {
  Outcome<> known = co_await know(subscription.topic);
  subscription.version = now_ms();
  const std::string topic = subscription.topic;
  subscriptions_.insert_or_assign(topic, std::move(subscription));
  co_await instance_.heartbeat();
  if (std::exchange(loops_run_, true)) {
    rebalance_alarm_->ring();
  } else {
    core().spawn(rebalance_loop());
  }
  co_return known;
}

Task<Outcome<std::vector<MessageQueue>>> PullCore::assignment() {
  std::vector<MessageQueue> queues;
  for (const auto& [queue, reading] : reading_) queues.push_back(queue);
  co_return queues;
}

Task<void> PullCore::rebalance_loop() {
  while (!core().stopping()) {
    const bool balanced = co_await rebalance();
    co_await rebalance_alarm_->wait(balanced ? options_.rebalance_interval : std::min(kUnbalancedPause, options_.rebalance_interval));
  }
}

Task<bool> PullCore::rebalance() {
  bool balanced = true;
  std::set<MessageQueue> ours;
  const auto wanted = subscriptions_;
  for (const auto& [topic, subscription] : wanted) {
    Outcome<std::vector<MessageQueue>> share = co_await share_of(instance_, options_.group, MessageModel::clustering, topic);
    if (share) {
      ours.insert(share->begin(), share->end());
      continue;
    }
    balanced = false;
    for (const auto& [queue, reading] : reading_) {
      if (queue.topic == topic) ours.insert(queue);
    }
  }
  std::vector<MessageQueue> lost;
  for (const auto& [queue, reading] : reading_) {
    if (!ours.contains(queue)) lost.push_back(queue);
  }
  for (const MessageQueue& queue : lost) co_await drop(queue);
  for (const MessageQueue& queue : ours) {
    if (core().stopping() || reading_.contains(queue)) continue;
    Outcome<> begun = co_await read_from_start(queue);
    if (!begun) balanced = false;
  }
  co_return balanced;
}

Task<Outcome<>> PullCore::seek(MessageQueue queue, std::int64_t offset) {
  if (!reading_.contains(queue)) co_return Failure(Errc::not_found, queue.to_string() + " is not assigned");
  read_from(queue, offset);
  co_return Outcome<>();
}

Task<Outcome<>> PullCore::seek_to_begin(MessageQueue queue) {
  Outcome<std::int64_t> offset = co_await min_of(queue);
  if (!offset) co_return offset.error();
  Outcome<> done = co_await seek(std::move(queue), *offset);
  co_return done;
}

Task<Outcome<>> PullCore::seek_to_end(MessageQueue queue) {
  Outcome<std::int64_t> offset = co_await max_of(queue);
  if (!offset) co_return offset.error();
  Outcome<> done = co_await seek(std::move(queue), *offset);
  co_return done;
}

Task<Outcome<>> PullCore::seek_to_time(MessageQueue queue, std::int64_t timestamp_ms) {
  Outcome<std::int64_t> offset = co_await by_time(queue, timestamp_ms);
  if (!offset) co_return offset.error();
  Outcome<> done = co_await seek(std::move(queue), *offset);
  co_return done;
}

Task<void> PullCore::commit_loop() {
  for (bool more = co_await core().sleep(options_.persist_interval); more;) {
    Outcome<> done = co_await commit();
    if (!done) log::debug("commit of {}: {}", options_.group, done.error().describe());
    more = co_await core().sleep(options_.persist_interval);
  }
}

Task<Outcome<>> PullCore::commit() {
  std::vector<ReadQueuePtr> all;
  for (const auto& [queue, reading] : reading_) all.push_back(reading);
  Outcome<> result;
  for (const ReadQueuePtr& reading : all) {
    Outcome<> done = co_await commit_offset(instance_, options_.group, reading->queue, reading->polled);
    if (!done) result = done;
  }
  co_return result;
}

Task<Outcome<>> PullCore::commit_one(MessageQueue queue, std::int64_t offset) {
  Outcome<> known = co_await know(queue.topic);
  if (!known) co_return known;
  Outcome<> done = co_await commit_offset(instance_, options_.group, std::move(queue), offset);
  co_return done;
}

Task<Outcome<std::optional<std::int64_t>>> PullCore::committed(MessageQueue queue) {
  Outcome<> known = co_await know(queue.topic);
  if (!known) co_return known.error();
  Outcome<std::optional<std::int64_t>> offset = co_await committed_offset(instance_, options_.group, std::move(queue));
  co_return offset;
}

Task<Outcome<std::vector<MessageQueue>>> PullCore::queues_of(std::string topic) {
  Outcome<RoutePtr> route = co_await instance_.route(topic);
  if (!route) co_return route.error();
  co_return subscribe_queues(**route, topic);
}

Task<Outcome<std::int64_t>> PullCore::min_of(MessageQueue queue) {
  Outcome<> known = co_await know(queue.topic);
  if (!known) co_return known.error();
  Outcome<std::int64_t> offset = co_await min_offset(instance_, std::move(queue));
  co_return offset;
}

Task<Outcome<std::int64_t>> PullCore::max_of(MessageQueue queue) {
  Outcome<> known = co_await know(queue.topic);
  if (!known) co_return known.error();
  Outcome<std::int64_t> offset = co_await max_offset(instance_, std::move(queue));
  co_return offset;
}

Task<Outcome<std::int64_t>> PullCore::by_time(MessageQueue queue, std::int64_t timestamp_ms) {
  Outcome<> known = co_await know(queue.topic);
  if (!known) co_return known.error();
  Outcome<std::int64_t> offset = co_await offset_by_time(instance_, std::move(queue), timestamp_ms);
  co_return offset;
}

Task<Outcome<PullBatch>> PullCore::pull_once(MessageQueue queue, std::int64_t offset, std::int32_t count_max, milliseconds hold) {
  Outcome<> known = co_await know(queue.topic);
  if (!known) co_return known.error();
  PullQuestion question;
  question.group = options_.group;
  question.subscription = subscription_of(queue.topic);
  question.queue = std::move(queue);
  question.offset = offset;
  question.count_max = count_max;
  question.hold = hold;
  question.timeout = options_.pull_timeout;
  Outcome<PullAnswer> answer = co_await skylark::client::pull(instance_, std::move(question));
  if (!answer) co_return answer.error();
  PullBatch batch;
  batch.messages = std::move(answer->messages);
  batch.next_offset = answer->next_begin_offset;
  batch.min_offset = answer->min_offset;
  batch.max_offset = answer->max_offset;
  co_return batch;
}

}  // namespace skylark::client
