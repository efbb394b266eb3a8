// SPDX-License-Identifier: Apache-2.0
// Messages that come later: by delay level, and again after a failed try.
#include <mutex>

#include "tests/compat/cpp/cases.h"
#include "tests/compat/cpp/check.h"

namespace skylark::compat {

using namespace client;

namespace {

struct Delivery {
  ReceivedMessage message;
  std::int64_t at_ms = 0;
};

}  // namespace

void delay(CaseContext& context) {
  const std::string topic = context.create_topic(2);
  std::mutex mutex;
  std::map<std::string, Delivery> received;
  PushConsumer consumer(context.push_options(context.group("main")));
  must(consumer.subscribe(topic), "subscribe");
  consumer.set_listener([&](const std::vector<ReceivedMessage>& messages, ConsumeContext&) {
    const std::lock_guard lock(mutex);
    for (const ReceivedMessage& message : messages) received.try_emplace(message.body, Delivery{message, now_ms()});
    return ConsumeResult::success;
  });
  must(consumer.start(), "start of the consumer");

  const auto producer = context.start_producer();
  const std::map<int, std::int64_t> delay_ms = {{4, 3'000}, {3, 2'000}, {1, 1'000}, {0, 0}};  // messageDelayLevel=1s 1s 2s 3s ...
  std::map<int, std::pair<std::int64_t, SendResult>> sent;
  for (auto level = delay_ms.rbegin(); level != delay_ms.rend(); ++level) {
    Message message(topic, "level " + std::to_string(level->first));
    message.set_tag("later").set_keys({"delay-key-" + std::to_string(level->first)}).set_property("colour", "green");
    if (level->first > 0) message.set_delay_level(level->first);
    const std::int64_t at_ms = now_ms();
    sent[level->first] = {at_ms, must(producer->send(std::move(message)), "send")};
  }
  await("all delayed messages", [&] {
    const std::lock_guard lock(mutex);
    return received.size() >= sent.size();
  });
  consumer.shutdown();
  for (const auto& [level, asked_ms] : delay_ms) {
    const std::string body = "level " + std::to_string(level);
    const Delivery& delivery = received[body];
    const std::int64_t took_ms = delivery.at_ms - sent[level].first;
    check(took_ms >= asked_ms, body + " came after " + std::to_string(took_ms) + " ms, before its time");
    check_equal(sent[level].second.message_id, delivery.message.message_id, "message id");
    check_equal(topic, delivery.message.topic, "topic");
    check_equal("later", delivery.message.tag(), "tag");
    check_equal("delay-key-" + std::to_string(level), delivery.message.keys(), "keys");
    check_equal("green", delivery.message.property("colour"), "user property");
    check_equal(0, delivery.message.reconsume_times, "reconsume times");
  }
}

void retry_to_dlq(CaseContext& context) {
  constexpr std::size_t kRetriesMax = 2;
  const std::string topic = context.create_topic(1);
  const std::string group = context.group("main");
  must(context.admin().create_group(group, kRetriesMax), "create group");
  std::mutex mutex;
  std::vector<Delivery> deliveries;
  PushConsumerOptions options = context.push_options(group);
  options.reconsume_times_max = kRetriesMax;
  PushConsumer consumer(options);
  must(consumer.subscribe(topic), "subscribe");
  consumer.set_listener([&](const std::vector<ReceivedMessage>& messages, ConsumeContext&) {
    const std::lock_guard lock(mutex);
    for (const ReceivedMessage& message : messages) deliveries.push_back(Delivery{message, now_ms()});
    return ConsumeResult::later;
  });
  must(consumer.start(), "start of the consumer");

  const auto producer = context.start_producer();
  Message message(topic, "nobody can eat this");
  message.set_tag("poison").set_keys({"dlq-key"}).set_property("colour", "black");
  const SendResult result = must(producer->send(std::move(message)), "send");
  const std::string dead_letters = "%DLQ%" + group;
  await("the dead letter", [&] { return context.max_offset(context.queue(dead_letters, 0)) >= 1; });
  consumer.shutdown();

  check_equal(kRetriesMax + 1, deliveries.size(), "deliveries before the dead-letter topic");
  for (std::size_t i = 0; i <= kRetriesMax; ++i) {
    const ReceivedMessage& delivered = deliveries[i].message;
    const std::string which = " of delivery " + std::to_string(i);
    check_equal(static_cast<std::int32_t>(i), delivered.reconsume_times, "reconsume times" + which);
    check_equal(topic, delivered.topic, "topic" + which);
    check_equal("nobody can eat this", delivered.body, "body" + which);
    check_equal(result.message_id, delivered.message_id, "message id" + which);
    check_equal("black", delivered.property("colour"), "user property" + which);
  }
  const std::int64_t wait_ms[] = {2'000, 3'000};  // Levels 3 and 4.
  for (std::size_t i = 0; i < kRetriesMax; ++i) {
    const std::int64_t took_ms = deliveries[i + 1].at_ms - deliveries[i].at_ms;
    check(took_ms >= wait_ms[i], "retry " + std::to_string(i + 1) + " came after " + std::to_string(took_ms) + " ms, before its time");
  }
  const ReceivedMessage dead = context.read_queue(dead_letters, 0, 1).front();
  check_equal("nobody can eat this", dead.body, "body of the dead letter");
  check_equal(topic, dead.property("RETRY_TOPIC"), "original topic of the dead letter");
  check_equal(result.offset_message_id, dead.property("ORIGIN_MESSAGE_ID"), "original offset id");
  check_equal("poison dlq-key black", dead.tag() + " " + dead.keys() + " " + dead.property("colour"), "properties of the dead letter");
}

}  // namespace skylark::compat
