// SPDX-License-Identifier: Apache-2.0
#include "client/pull_consumer.h"

#include "client/detail/pull_core.h"

namespace skylark::client {

PullConsumer::PullConsumer(PullConsumerOptions options) : core_(std::make_unique<PullCore>(std::move(options))) {}
PullConsumer::~PullConsumer() = default;

Outcome<> PullConsumer::start() { return core_->start(); }
void PullConsumer::shutdown() { core_->shutdown(); }
const std::string& PullConsumer::client_id() const noexcept { return core_->instance().client_id(); }

Outcome<> PullConsumer::assign(std::vector<MessageQueue> queues) { return core_->core().wait(core_->assign(std::move(queues))); }

Outcome<> PullConsumer::subscribe(std::string topic, const std::string& expression) {
  auto parsed = SubscriptionData::parse(topic, expression);
  if (!parsed) return Failure(parsed.error(), "'" + expression + "' is no list of tags");
  return core_->core().wait(core_->subscribe(std::move(*parsed)));
}

Outcome<std::vector<MessageQueue>> PullConsumer::assignment() { return core_->core().wait(core_->assignment()); }

Outcome<std::vector<ReceivedMessage>> PullConsumer::poll(milliseconds timeout, std::size_t count_max) {
  return core_->core().wait(core_->poll(timeout, count_max));
}

Outcome<> PullConsumer::seek(MessageQueue queue, std::int64_t offset) { return core_->core().wait(core_->seek(std::move(queue), offset)); }
Outcome<> PullConsumer::seek_to_begin(MessageQueue queue) { return core_->core().wait(core_->seek_to_begin(std::move(queue))); }
Outcome<> PullConsumer::seek_to_end(MessageQueue queue) { return core_->core().wait(core_->seek_to_end(std::move(queue))); }
Outcome<> PullConsumer::seek_to_time(MessageQueue queue, std::int64_t timestamp_ms) {
  return core_->core().wait(core_->seek_to_time(std::move(queue), timestamp_ms));
}

Outcome<> PullConsumer::commit() { return core_->core().wait(core_->commit()); }
Outcome<> PullConsumer::commit(MessageQueue queue, std::int64_t offset) {
  return core_->core().wait(core_->commit_one(std::move(queue), offset));
}
Outcome<std::optional<std::int64_t>> PullConsumer::committed(MessageQueue queue) {
  return core_->core().wait(core_->committed(std::move(queue)));
}

Outcome<std::vector<MessageQueue>> PullConsumer::queues_of(std::string topic) {
  return core_->core().wait(core_->queues_of(std::move(topic)));
}
Outcome<std::int64_t> PullConsumer::min_offset(MessageQueue queue) { return core_->core().wait(core_->min_of(std::move(queue))); }
Outcome<std::int64_t> PullConsumer::max_offset(MessageQueue queue) { return core_->core().wait(core_->max_of(std::move(queue))); }
Outcome<std::int64_t> PullConsumer::offset_by_time(MessageQueue queue, std::int64_t timestamp_ms) {
  return core_->core().wait(core_->by_time(std::move(queue), timestamp_ms));
}

Outcome<PullBatch> PullConsumer::pull(MessageQueue queue, std::int64_t offset, std::int32_t count_max, milliseconds hold) {
  return core_->core().wait(core_->pull_once(std::move(queue), offset, count_max, hold));
}

Task<Outcome<std::vector<ReceivedMessage>>> PullConsumer::co_poll(milliseconds timeout, std::size_t count_max) {
  return core_->core().run(core_->poll(timeout, count_max));
}
Task<Outcome<PullBatch>> PullConsumer::co_pull(MessageQueue queue, std::int64_t offset, std::int32_t count_max, milliseconds hold) {
  return core_->core().run(core_->pull_once(std::move(queue), offset, count_max, hold));
}
Task<Outcome<>> PullConsumer::co_assign(std::vector<MessageQueue> queues) { return core_->core().run(core_->assign(std::move(queues))); }
Task<Outcome<>> PullConsumer::co_seek(MessageQueue queue, std::int64_t offset) {
  return core_->core().run(core_->seek(std::move(queue), offset));
}
Task<Outcome<>> PullConsumer::co_commit() { return core_->core().run(core_->commit()); }

}  // namespace skylark::client
