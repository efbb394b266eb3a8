// SPDX-License-Identifier: Apache-2.0
// Reading again from an earlier place: by seek, and by resetting a group with and without consumers.
#include <set>

#include "tests/compat/cpp/cases.h"
#include "tests/compat/cpp/check.h"

namespace skylark::compat {

using namespace client;

namespace {

constexpr int kQueues = 2;
constexpr int kPerHalf = 15;
constexpr std::size_t kHalf = kQueues * kPerHalf;

/// Polls until all offsets from `begin` to the end came, in order and without a gap.
void poll_from(PullConsumer& consumer, std::int64_t begin, std::int64_t end) {
  std::vector<ReceivedMessage> polled;
  await("offsets " + std::to_string(begin) + " to " + std::to_string(end), [&] {
    for (ReceivedMessage& message : must(consumer.poll(milliseconds(500)), "poll")) polled.push_back(std::move(message));
    return static_cast<std::int64_t>(polled.size()) >= end - begin;
  });
  check_equal(end - begin, static_cast<std::int64_t>(polled.size()), "messages polled");
  for (std::size_t i = 0; i < polled.size(); ++i) {
    const std::int64_t offset = begin + static_cast<std::int64_t>(i);
    check_equal(offset, polled[i].queue_offset, "offset of a polled message");
    check_equal("pull " + std::to_string(offset), polled[i].body, "body of a polled message");
  }
}

void send_half(CaseContext& context, Producer& producer, const std::string& topic, const std::string& half) {
  for (int i = 0; i < kPerHalf; ++i) {
    for (int id = 0; id < kQueues; ++id) {
      const std::string body = half + " " + std::to_string(id) + " " + std::to_string(i);
      must(producer.send(Message(topic, body), context.queue(topic, id)), "send");
    }
  }
}

void await_later_ms(std::int64_t than_ms) {
  await("a later millisecond", [&] { return now_ms() > than_ms + 1; });
}

/// A time after the first and before the second half was stored (both on this machine's clock).
std::int64_t send_two_halves(CaseContext& context, Producer& producer, const std::string& topic) {
  send_half(context, producer, topic, "first");
  await_later_ms(now_ms());
  const std::int64_t middle_ms = now_ms();
  await_later_ms(middle_ms);
  send_half(context, producer, topic, "second");
  return middle_ms;
}

std::unique_ptr<PushConsumer> start_counter(CaseContext& context, const std::string& topic, Collector& received) {
  auto consumer = std::make_unique<PushConsumer>(context.push_options(context.group("main")));
  must(consumer->subscribe(topic), "subscribe");
  consumer->set_listener(received.listener());
  must(consumer->start(), "start of the consumer");
  return consumer;
}

std::set<std::string> second_half() {
  std::set<std::string> bodies;
  for (int i = 0; i < kPerHalf; ++i) {
    for (int id = 0; id < kQueues; ++id) bodies.insert("second " + std::to_string(id) + " " + std::to_string(i));
  }
  return bodies;
}

std::set<std::string> consumed_at_least(const Collector& received, int times) {
  std::set<std::string> bodies;
  for (const auto& [body, count] : received.count_by_body()) {
    if (count >= times) bodies.insert(body);
  }
  return bodies;
}

std::map<MessageQueue, std::int64_t> reset_and_check(CaseContext& context, const std::string& topic, std::int64_t middle_ms) {
  auto reset = must(context.admin().reset_offset_by_time(context.group("main"), topic, middle_ms), "reset of the offsets");
  std::map<MessageQueue, std::int64_t> expected;
  for (int id = 0; id < kQueues; ++id) expected[context.queue(topic, id)] = kPerHalf;
  check(reset == expected, "offsets the broker reset to");
  return reset;
}

}  // namespace

void pull_seek(CaseContext& context) {
  constexpr std::int64_t kCount = 40;
  const std::string topic = context.create_topic(1);
  const auto producer = context.start_producer();
  for (int i = 0; i < kCount; ++i) must(producer->send(Message(topic, "pull " + std::to_string(i))), "send");
  const auto stored = context.read_queue(topic, 0, kCount);
  const MessageQueue queue = context.queue(topic, 0);
  PullConsumerOptions options;
  options.client = context.client_options();
  options.group = context.group("main");
  options.start_from = StartFrom::first_offset;
  options.auto_commit = false;
  PullConsumer consumer(options);
  must(consumer.start(), "start of the consumer");
  must(consumer.assign({queue}), "assign");

  poll_from(consumer, 0, kCount);
  must(consumer.seek(queue, 25), "seek");
  poll_from(consumer, 25, kCount);
  must(consumer.seek_to_begin(queue), "seek to the begin");
  poll_from(consumer, 0, kCount);

  const std::int64_t offset = must(consumer.offset_by_time(queue, stored[30].store_timestamp_ms), "offset by time");
  check(offset <= 30, "offset by time is not after the message: " + std::to_string(offset));
  check_equal(stored[30].store_timestamp_ms, stored[static_cast<std::size_t>(offset)].store_timestamp_ms, "store time found");
  must(consumer.seek_to_time(queue, stored[30].store_timestamp_ms), "seek to a time");
  poll_from(consumer, offset, kCount);

  must(consumer.commit(queue, 33), "commit");
  await("the committed offset", [&] { return must(consumer.committed(queue), "committed") == std::optional<std::int64_t>(33); });
}

void offset_reset_online(CaseContext& context) {
  const std::string topic = context.create_topic(kQueues);
  const auto producer = context.start_producer();
  Collector received;
  const auto consumer = start_counter(context, topic, received);
  const std::int64_t middle_ms = send_two_halves(context, *producer, topic);
  await("both halves", [&] { return received.size() == 2 * kHalf; });
  reset_and_check(context, topic, middle_ms);
  await("the second half again", [&] { return consumed_at_least(received, 2).size() >= kHalf; });
  check(consumed_at_least(received, 2) == second_half(), "messages consumed again");
  must(producer->send(Message(topic, "after the reset")), "send");  // The group goes on as usual.
  await("a new message", [&] { return received.has("after the reset"); });
}

void offset_reset_offline(CaseContext& context) {
  const std::string topic = context.create_topic(kQueues);
  const std::string group = context.group("main");
  const auto producer = context.start_producer();
  Collector received, again;
  const auto consumer = start_counter(context, topic, received);
  const std::int64_t middle_ms = send_two_halves(context, *producer, topic);
  await("both halves", [&] { return received.size() == 2 * kHalf; });
  consumer->shutdown();
  await("offsets at the broker", [&] { return context.consumed_all(group, topic, kQueues, 2 * kHalf); });
  await("the group is offline", [&] { return must(context.admin().members_of(group), "members").empty(); });
  reset_and_check(context, topic, middle_ms);
  const auto next = start_counter(context, topic, again);
  await("the second half", [&] { return again.size() >= kHalf; });
  check(consumed_at_least(again, 1) == second_half(), "messages after the reset");
}

}  // namespace skylark::compat
