// SPDX-License-Identifier: Apache-2.0
#include "client/producer.h"

#include "client/detail/producer_core.h"

namespace skylark::client {

Producer::Producer(ProducerOptions options) : core_(std::make_unique<ProducerCore>(std::move(options))) {}
Producer::~Producer() = default;

Outcome<> Producer::start() { return core_->start(); }
void Producer::shutdown() { core_->shutdown(); }
const std::string& Producer::client_id() const noexcept { return core_->instance().client_id(); }

Outcome<SendResult> Producer::send(Message message, SendTarget target) {
  return core_->core().wait(core_->send(std::move(message), std::move(target)));
}

Outcome<SendResult> Producer::send_batch(std::vector<Message> messages, SendTarget target) {
  return core_->core().wait(core_->send_batch(std::move(messages), std::move(target)));
}

void Producer::send_async(Message message, SendCallback callback, SendTarget target) {
  core_->core().start(core_->send(std::move(message), std::move(target)), std::move(callback));
}

Outcome<> Producer::send_one_way(Message message, SendTarget target) {
  return core_->core().wait(core_->send_one_way(std::move(message), std::move(target)));
}

Outcome<std::vector<MessageQueue>> Producer::publish_queues(std::string topic) {
  return core_->core().wait(core_->queues_of(std::move(topic)));
}

Task<Outcome<SendResult>> Producer::co_send(Message message, SendTarget target) {
  return core_->core().run(core_->send(std::move(message), std::move(target)));
}

Task<Outcome<SendResult>> Producer::co_send_batch(std::vector<Message> messages, SendTarget target) {
  return core_->core().run(core_->send_batch(std::move(messages), std::move(target)));
}

Task<Outcome<>> Producer::co_send_one_way(Message message, SendTarget target) {
  return core_->core().run(core_->send_one_way(std::move(message), std::move(target)));
}

}  // namespace skylark::client
