// SPDX-License-Identifier: Apache-2.0
// Half messages and what becomes of them.
#include <mutex>

#include "tests/compat/cpp/cases.h"
#include "tests/compat/cpp/check.h"

namespace skylark::compat {

using namespace client;

namespace {

TransactionState state_of(const std::string& word) {
  if (word == "commit") return TransactionState::commit;
  if (word == "rollback") return TransactionState::rollback;
  return TransactionState::unknown;
}

/// The body says it: first word what the local transaction says at once, second word what it says when asked.
class Listener final : public TransactionListener {
 public:
  TransactionState execute(const Message& message, const SendResult&) override {
    return state_of(message.body.substr(0, message.body.find(' ')));
  }
  TransactionState check(const ReceivedMessage& half) override {
    const std::lock_guard lock(mutex_);
    checked_.try_emplace(half.body, half);
    const auto begin = half.body.find(' ') + 1;
    return state_of(half.body.substr(begin, half.body.find(' ', begin) - begin));
  }
  [[nodiscard]] std::map<std::string, ReceivedMessage> checked() const {
    const std::lock_guard lock(mutex_);
    return checked_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ReceivedMessage> checked_;
};

/// A transaction producer and a consumer of the topic it sends to.
struct Stage {
  explicit Stage(CaseContext& context) : topic(context.create_topic(1)), consumer(context.push_options(context.group("main"))) {
    TransactionProducerOptions options;
    options.producer = context.producer_options();
    producer = std::make_unique<TransactionProducer>(options, listener);
    must(producer->start(), "start of the producer");
    must(consumer.subscribe(topic), "subscribe");
    consumer.set_listener(received.listener());
    must(consumer.start(), "start of the consumer");
  }

  TransactionSendResult send(const std::string& body, TransactionState expected) {
    Message message(topic, body);
    message.set_tag("tx").set_keys({"tx-key"}).set_property("colour", "yellow");
    TransactionSendResult result = must(producer->send_in_transaction(std::move(message)), "half message");
    check(result.half.status == SendStatus::ok, "status of the half message");
    check(result.state == expected, "local state");
    check_equal(expected != TransactionState::unknown, result.decided, "the broker took the decision");
    return result;
  }

  std::string topic;
  Listener listener;
  Collector received;
  std::unique_ptr<TransactionProducer> producer;
  PushConsumer consumer;
};

}  // namespace

void transaction_commit(CaseContext& context) {
  Stage stage(context);
  const auto result = stage.send("commit commit 1", TransactionState::commit);
  await("the committed message", [&] { return stage.received.has("commit commit 1"); });
  const ReceivedMessage message = stage.received.message("commit commit 1");
  check_equal(stage.topic, message.topic, "topic");
  check_equal(0, message.queue_offset, "queue offset");
  check_equal(result.half.message_id, message.message_id, "message id");
  check_equal(result.half.transaction_id, message.property("UNIQ_KEY"), "transaction id");
  check_equal("tx tx-key yellow", message.tag() + " " + message.keys() + " " + message.property("colour"), "properties");
  check_equal(1, context.max_offset(context.queue(stage.topic, 0)), "messages in the topic");
}

void transaction_rollback(CaseContext& context) {
  Stage stage(context);
  stage.send("rollback rollback 1", TransactionState::rollback);
  // Half messages are checked in order: when the later one has been, the broker is done with the one rolled back.
  stage.send("unknown commit 2", TransactionState::unknown);
  await("the later message", [&] { return stage.received.has("unknown commit 2"); });
  check(stage.listener.checked().contains("unknown commit 2"), "the later one came by a check");
  check_equal(static_cast<std::size_t>(1), stage.received.size(), "messages received");
  check_equal(1, context.max_offset(context.queue(stage.topic, 0)), "messages in the topic");
}

void transaction_check_back(CaseContext& context) {
  Stage stage(context);
  stage.send("unknown rollback 1", TransactionState::unknown);
  const auto result = stage.send("unknown commit 2", TransactionState::unknown);
  await("the message committed by a check", [&] { return stage.received.has("unknown commit 2"); });
  await("both were checked", [&] { return stage.listener.checked().size() == 2; });
  const ReceivedMessage checked = stage.listener.checked().at("unknown commit 2");
  check_equal(stage.topic, checked.topic, "topic in the check");
  check_equal(result.half.message_id, checked.message_id, "message id in the check");
  check_equal("tx-key", checked.keys(), "keys in the check");
  const ReceivedMessage message = stage.received.message("unknown commit 2");
  check_equal(result.half.message_id, message.message_id, "message id");
  check_equal("yellow", message.property("colour"), "user property");
  check_equal(static_cast<std::size_t>(1), stage.received.size(), "messages received");
  check_equal(1, context.max_offset(context.queue(stage.topic, 0)), "messages in the topic");
}

}  // namespace skylark::compat
