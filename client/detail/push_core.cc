// SPDX-License-Identifier: Apache-2.0
#include "client/detail/push_core.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "client/detail/identity.h"
#include "client/detail/records.h"
#include "client/detail/send_policy.h"

namespace skylark::client {

namespace {

constexpr milliseconds kUnbalancedPause{1'000};  // Java's rebalance.minInterval.
constexpr std::chrono::seconds kLockLife{30};    // RebalanceLock: a lock not renewed for that long counts as lost.
constexpr milliseconds kListenerPoll{10};
constexpr std::chrono::seconds kFinishMax{5};

std::string_view wire_name(StartFrom from) {
  switch (from) {
    case StartFrom::last_offset: return "CONSUME_FROM_LAST_OFFSET";
    case StartFrom::first_offset: return "CONSUME_FROM_FIRST_OFFSET";
    case StartFrom::timestamp: return "CONSUME_FROM_TIMESTAMP";
  }
  return "CONSUME_FROM_LAST_OFFSET";
}

}  // namespace

PushCore::PushCore(PushConsumerOptions options)
    : options_(std::move(options)),
      start_timestamp_ms_(now_ms()),
      workers_(options_.worker_count),
      instance_(options_.client, this, options_.model == MessageModel::broadcasting),
      offset_file_(options_.offset_folder, instance_.client_id(), options_.group),
      rebalance_alarm_(std::make_unique<Alarm>(instance_.core())) {
  if (clustering()) set_subscription(*SubscriptionData::parse(retry_topic(options_.group), "*"));
}

PushCore::~PushCore() { shutdown(); }

std::int32_t PushCore::reconsume_times_max() const noexcept {
  if (options_.reconsume_times_max >= 0) return options_.reconsume_times_max;
  return ordered() ? std::numeric_limits<std::int32_t>::max() : 16;
}

std::map<std::string, SubscriptionData> PushCore::subscriptions() const {
  const std::lock_guard lock(subscription_mutex_);
  return subscriptions_;
}

void PushCore::set_subscription(SubscriptionData subscription) {
  subscription.version = now_ms();
  {
    const std::lock_guard lock(subscription_mutex_);
    std::string topic = subscription.topic;
    subscriptions_.insert_or_assign(std::move(topic), std::move(subscription));
  }
  if (!started_) return;
  core().spawn(instance_.heartbeat());
  core().post([this] { rebalance_alarm_->ring(); });
}

void PushCore::remove_subscription(const std::string& topic) {
  {
    const std::lock_guard lock(subscription_mutex_);
    subscriptions_.erase(topic);
  }
  if (!started_) return;
  core().spawn(instance_.heartbeat());
  core().post([this] { rebalance_alarm_->ring(); });
}

void PushCore::describe(HeartbeatData& into) {
  if (!started_) return;
  ConsumerData data;
  data.group = options_.group;
  data.message_model = clustering() ? "CLUSTERING" : "BROADCASTING";
  data.consume_from_where = wire_name(options_.start_from);
  for (auto& [topic, subscription] : subscriptions()) data.subscriptions.push_back(std::move(subscription));
  into.consumers.push_back(std::move(data));
}

Outcome<> PushCore::start() {
  if (const auto checked = check_group(options_.group); !checked) return checked.error();
  if (!concurrent_listener && !ordered_listener) return Failure(Errc::invalid_argument, "no listener is set");
  if (!clustering()) {
    auto loaded = offset_file_.load();
    if (!loaded) return Failure(loaded.error(), "the offsets in " + offset_file_.path() + " cannot be read");
    for (const auto& [queue, offset] : *loaded) offsets_.update(queue, offset, false);
  }
  started_ = true;
  if (const auto begun = instance_.start(); !begun) {
    started_ = false;
    return begun.error();
  }
  return core().wait(begin());
}

Task<Outcome<>> PushCore::begin() {
  for (const auto& [topic, subscription] : subscriptions()) {
    Outcome<RoutePtr> route = co_await instance_.route(topic);
    if (!route) log::debug("route of {}: {}", topic, route.error().describe());
  }
  co_await instance_.heartbeat();  // Members are asked for next, and we must be one of them.
  core().spawn(rebalance_loop());
  core().spawn(persist_loop());
  if (needs_locks()) core().spawn(lock_loop());
  co_return Outcome<>();
}

void PushCore::shutdown() {
  core().begin_stop();
  workers_.stop();  // Running listeners end; their outcomes are dealt with before `finish`, which is posted behind them.
  if (started_.exchange(false)) (void)core().wait(finish());
  core().stop();
}

Task<Outcome<>> PushCore::finish() {
  const auto deadline = std::chrono::steady_clock::now() + kFinishMax;
  asio::steady_timer timer(core().context());
  while (in_hand_ > 0 && std::chrono::steady_clock::now() < deadline) {  // `sleep` is over at once by now.
    timer.expires_after(kListenerPoll);
    co_await timer.async_wait(asio::use_awaitable);
  }
  for (const auto& [queue, assigned] : assigned_) assigned->dropped = true;
  co_await persist();
  if (needs_locks()) {
    std::map<std::string, std::vector<MessageQueue>> by_broker;
    for (const auto& [queue, assigned] : assigned_) by_broker[queue.broker_name].push_back(queue);
    for (const auto& [broker, queues] : by_broker) unlock_queues(instance_, options_.group, broker, queues);
  }
  co_await instance_.unregister(std::nullopt, options_.group);
  co_return Outcome<>();
}

Task<void> PushCore::rebalance_loop() {
  while (!core().stopping()) {
    const bool balanced = co_await rebalance();
    co_await rebalance_alarm_->wait(balanced ? options_.rebalance_interval : std::min(kUnbalancedPause, options_.rebalance_interval));
  }
}

Task<bool> PushCore::rebalance() {
  bool balanced = true;
  const auto wanted = subscriptions();
  for (const auto& [topic, subscription] : wanted) {
    if (core().stopping()) co_return true;
    Outcome<std::vector<MessageQueue>> share = co_await share_of(instance_, options_.group, options_.model, topic);
    if (!share) {
      // The retry topic is made by the broker at our first heartbeat, other topics perhaps never: look again soon, quietly.
      log::debug("queues of {} for {}: {}", topic, options_.group, share.error().describe());
      balanced = false;
      continue;
    }
    const bool complete = co_await take_share(topic, std::move(*share));
    balanced = balanced && complete;
  }
  std::vector<AssignedQueuePtr> unwanted;
  for (const auto& [queue, assigned] : assigned_) {
    if (!wanted.contains(queue.topic)) unwanted.push_back(assigned);
  }
  for (const AssignedQueuePtr& assigned : unwanted) lose(assigned);
  co_return balanced;
}

Task<bool> PushCore::take_share(const std::string& topic, std::vector<MessageQueue> share) {
  const std::set<MessageQueue> ours(share.begin(), share.end());
  std::vector<AssignedQueuePtr> lost;
  for (const auto& [queue, assigned] : assigned_) {
    if (queue.topic == topic && !ours.contains(queue)) lost.push_back(assigned);
  }
  for (const AssignedQueuePtr& assigned : lost) lose(assigned);

  bool complete = true;
  for (const MessageQueue& queue : ours) {
    if (core().stopping()) co_return true;
    if (assigned_.contains(queue)) continue;
    const bool assigned = co_await assign(queue);
    complete = complete && assigned;
  }
  co_return complete;
}

Task<bool> PushCore::assign(MessageQueue queue) {
  if (releasing_.contains(queue)) co_return false;
  if (needs_locks()) {
    const std::vector<MessageQueue> wanted(1, queue);
    Outcome<std::vector<MessageQueue>> held = co_await lock_queues(instance_, options_.group, queue.broker_name, wanted);
    if (!held || std::ranges::find(*held, queue) == held->end()) co_return false;  // The member that had it is not done yet.
  }
  const std::optional<std::int64_t> offset = co_await first_offset(queue);
  if (!offset || core().stopping()) co_return false;
  const auto assigned = std::make_shared<AssignedQueue>(queue, *offset);
  assigned->locked = needs_locks();
  assigned->locked_at = std::chrono::steady_clock::now();
  if (!assigned_.try_emplace(queue, assigned).second) co_return true;
  offsets_.update(queue, *offset, false);
  log::info("group {} reads {} from {}", options_.group, queue.to_string(), *offset);
  core().spawn(pull_loop(assigned));
  co_return true;
}

Task<std::optional<std::int64_t>> PushCore::first_offset(MessageQueue queue) {
  std::optional<std::int64_t> known;
  if (clustering()) {
    Outcome<std::optional<std::int64_t>> committed = co_await committed_offset(instance_, options_.group, queue);
    if (!committed) co_return std::nullopt;
    known = *committed;
  } else {
    known = offsets_.find(queue);
  }
  const std::int64_t since = options_.start_timestamp_ms > 0 ? options_.start_timestamp_ms : start_timestamp_ms_;
  Outcome<std::int64_t> offset = co_await first_position(instance_, options_.group, queue, known, options_.start_from, since);
  if (!offset) co_return std::nullopt;
  co_return *offset;
}

void PushCore::lose(const AssignedQueuePtr& lost) {
  lost->dropped = true;
  assigned_.erase(lost->queue);
  releasing_.insert(lost->queue);
  core().spawn(release(lost));
}

Task<void> PushCore::release(AssignedQueuePtr lost) {
  const MessageQueue queue = lost->queue;
  while (lost->consuming && !core().stopping()) co_await core().sleep(kListenerPoll);
  co_await persist_one(queue);
  if (clustering()) offsets_.remove(queue);
  if (needs_locks()) unlock_queues(instance_, options_.group, queue.broker_name, std::vector<MessageQueue>(1, queue));
  releasing_.erase(queue);
  log::info("group {} no longer reads {}", options_.group, queue.to_string());
}

Task<void> PushCore::restart_at(AssignedQueuePtr old, std::int64_t offset) {
  if (old->dropped.exchange(true)) co_return;
  while (old->consuming && !core().stopping()) co_await core().sleep(kListenerPoll);
  const auto found = assigned_.find(old->queue);
  if (core().stopping() || found == assigned_.end() || found->second != old) co_return;
  const auto fresh = std::make_shared<AssignedQueue>(old->queue, offset);
  fresh->locked = old->locked;
  fresh->locked_at = old->locked_at;
  found->second = fresh;
  offsets_.update(old->queue, offset, false);
  log::info("group {} reads {} again from {}", options_.group, old->queue.to_string(), offset);
  co_await persist_one(old->queue);
  core().spawn(pull_loop(fresh));
}

Task<void> PushCore::persist_loop() {
  for (bool more = co_await core().sleep(options_.persist_interval); more;) {
    co_await persist();
    more = co_await core().sleep(options_.persist_interval);
  }
}

Task<void> PushCore::persist() {
  if (!clustering()) {
    if (const auto saved = offset_file_.save(offsets_.offsets()); !saved) {
      log::warn("offsets of {} in {}: {}", options_.group, offset_file_.path(), saved.error().message());
    }
    co_return;
  }
  std::vector<MessageQueue> queues;
  for (const auto& [queue, assigned] : assigned_) queues.push_back(queue);
  for (const MessageQueue& queue : queues) co_await persist_one(queue);
}

Task<void> PushCore::persist_one(MessageQueue queue) {
  const auto offset = offsets_.find(queue);
  if (!clustering() || !offset) co_return;
  Outcome<> committed = co_await commit_offset(instance_, options_.group, queue, *offset);
  if (!committed) log::debug("offset {} of {}: {}", *offset, queue.to_string(), committed.error().describe());
}

Task<void> PushCore::lock_loop() {
  for (bool more = co_await core().sleep(options_.lock_interval); more;) {
    co_await lock_assigned();
    more = co_await core().sleep(options_.lock_interval);
  }
}

Task<void> PushCore::lock_assigned() {
  std::map<std::string, std::vector<MessageQueue>> by_broker;
  for (const auto& [queue, assigned] : assigned_) by_broker[queue.broker_name].push_back(queue);
  for (const auto& [broker, queues] : by_broker) {
    Outcome<std::vector<MessageQueue>> held = co_await lock_queues(instance_, options_.group, broker, queues);
    if (!held) continue;  // The locks live on for a while.
    for (const MessageQueue& queue : queues) {
      const auto found = assigned_.find(queue);
      if (found == assigned_.end()) continue;
      const AssignedQueuePtr assigned = found->second;
      if (std::ranges::find(*held, queue) != held->end() && lock_is_live(*assigned)) {
        assigned->locked_at = std::chrono::steady_clock::now();
        continue;
      }
      // Somebody else may have read on meanwhile: start over, with the lock and the offset that then hold.
      lose(assigned);
      rebalance_alarm_->ring();
    }
  }
}

bool PushCore::lock_is_live(const AssignedQueue& queue) const {
  return queue.locked && std::chrono::steady_clock::now() - queue.locked_at < kLockLife;
}

std::vector<MessageQueue> PushCore::assigned_queues() {
  const auto list = [](PushCore& self) -> Task<Outcome<std::vector<MessageQueue>>> {
    std::vector<MessageQueue> queues;
    for (const auto& [queue, assigned] : self.assigned_) {
      if (queue.topic != retry_topic(self.options_.group)) queues.push_back(queue);
    }
    co_return queues;
  };
  Outcome<std::vector<MessageQueue>> queues = core().wait(list(*this));
  if (!queues) return {};
  return std::move(*queues);
}

}  // namespace skylark::client
