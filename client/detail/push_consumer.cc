// SPDX-License-Identifier: Apache-2.0
#include "client/push_consumer.h"

#include "client/detail/push_core.h"

namespace skylark::client {

PushConsumer::PushConsumer(PushConsumerOptions options) : core_(std::make_unique<PushCore>(std::move(options))) {}
PushConsumer::~PushConsumer() = default;

Outcome<> PushConsumer::subscribe(std::string topic, const std::string& expression) {
  auto parsed = SubscriptionData::parse(topic, expression);
  if (!parsed) return Failure(parsed.error(), "'" + expression + "' is no list of tags");
  core_->set_subscription(std::move(*parsed));
  return {};
}

void PushConsumer::subscribe_sql(std::string topic, std::string expression) {
  SubscriptionData subscription;
  subscription.topic = std::move(topic);
  subscription.expression = std::move(expression);
  subscription.expression_type = "SQL92";
  core_->set_subscription(std::move(subscription));
}

void PushConsumer::unsubscribe(const std::string& topic) { core_->remove_subscription(topic); }
void PushConsumer::set_listener(ConcurrentListener listener) { core_->concurrent_listener = std::move(listener); }
void PushConsumer::set_ordered_listener(OrderedListener listener) { core_->ordered_listener = std::move(listener); }

Outcome<> PushConsumer::start() { return core_->start(); }
void PushConsumer::shutdown() { core_->shutdown(); }
void PushConsumer::suspend() { core_->set_paused(true); }
void PushConsumer::resume() { core_->set_paused(false); }

const std::string& PushConsumer::client_id() const noexcept { return core_->instance().client_id(); }
std::vector<MessageQueue> PushConsumer::assigned_queues() { return core_->assigned_queues(); }

}  // namespace skylark::client
