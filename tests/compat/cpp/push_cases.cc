// SPDX-License-Identifier: Apache-2.0
// Consuming by listeners: all at once, in order, shared, broadcast, filtered.
#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <set>

#include "tests/compat/cpp/cases.h"
#include "tests/compat/cpp/check.h"

namespace skylark::compat {

using namespace client;

namespace {

std::unique_ptr<PushConsumer> start_consumer(const PushConsumerOptions& options, const std::string& topic, Collector& collector,
                                             const std::string& expression = "*") {
  auto consumer = std::make_unique<PushConsumer>(options);
  must(consumer->subscribe(topic, expression), "subscribe");
  consumer->set_listener(collector.listener());
  must(consumer->start(), "start of a consumer");
  return consumer;
}

std::set<MessageQueue> owned(PushConsumer& consumer) {
  const auto queues = consumer.assigned_queues();
  return {queues.begin(), queues.end()};
}

std::set<int> queue_ids(const std::set<MessageQueue>& queues) {
  std::set<int> ids;
  for (const MessageQueue& queue : queues) ids.insert(queue.queue_id);
  return ids;
}

std::set<int> queue_ids(const Collector& collector) {
  std::set<int> ids;
  for (const auto& [body, count] : collector.count_by_body()) ids.insert(collector.message(body).queue.queue_id);
  return ids;
}

void send_to_each(CaseContext& context, Producer& producer, const std::string& topic, int queue_count, const std::string& label) {
  for (int i = 0; i < 5; ++i) {
    for (int id = 0; id < queue_count; ++id) {
      const std::string body = label + " " + std::to_string(id) + " " + std::to_string(i);
      must(producer.send(Message(topic, body), context.queue(topic, id)), "send");
    }
  }
}

}  // namespace

void push_concurrent(CaseContext& context) {
  constexpr int kQueues = 4, kCount = 200;
  const std::string topic = context.create_topic(kQueues);
  const auto producer = context.start_producer();
  std::map<std::string, std::string> body_by_id;
  const auto send_half = [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      const std::string body = "push " + std::to_string(i);
      body_by_id[must(producer->send(Message(topic, body)), "send").message_id] = body;
    }
  };
  send_half(0, kCount / 2);
  const std::string group = context.group("main");
  Collector received;
  const auto consumer = start_consumer(context.push_options(group), topic, received);
  send_half(kCount / 2, kCount);  // These arrive at pulls that the broker holds.
  await("all messages", [&] { return received.body_by_id().size() >= kCount; });
  check(received.body_by_id() == body_by_id, "ids and bodies received");
  consumer->shutdown();
  await("consumed offsets at the broker", [&] { return context.consumed_all(group, topic, kQueues, kCount); });
}

void push_orderly(CaseContext& context) {
  constexpr std::size_t kQueues = 4;
  constexpr int kPerKey = 40;
  const std::string topic = context.create_topic(kQueues);
  const auto producer = context.start_producer();
  std::mutex mutex;
  std::array<std::vector<int>, kQueues> seen;
  std::array<std::atomic<bool>, kQueues> busy{};
  std::atomic<bool> overlapped{false}, suspended_once{false};

  PushConsumerOptions options = context.push_options(context.group("main"));
  options.suspend_order = milliseconds(50);
  PushConsumer consumer(options);
  must(consumer.subscribe(topic), "subscribe");
  consumer.set_ordered_listener([&](const std::vector<ReceivedMessage>& messages, OrderedContext&) {
    for (const ReceivedMessage& message : messages) {
      const auto key = static_cast<std::size_t>(std::stoi(message.keys()));
      const int number = std::stoi(message.body);
      if (key == 2 && number == 7 && !suspended_once.exchange(true)) return OrderedResult::suspend;  // 7 must come again, before 8.
      if (busy[key].exchange(true)) overlapped = true;
      {
        const std::lock_guard lock(mutex);
        seen[key].push_back(number);
      }
      busy[key] = false;
    }
    return OrderedResult::success;
  });
  must(consumer.start(), "start of the consumer");
  std::vector<int> expected;
  for (int number = 0; number < kPerKey; ++number) {
    expected.push_back(number);
    for (std::size_t key = 0; key < kQueues; ++key) {
      Message message(topic, std::to_string(number));
      message.set_keys({std::to_string(key)});
      const QueueSelector selector = [key](const std::vector<MessageQueue>& queues, const Message&) { return key % queues.size(); };
      must(producer->send(std::move(message), selector), "send");
    }
  }
  for (std::size_t key = 0; key < kQueues; ++key) {
    await("all of key " + std::to_string(key), [&] {
      const std::lock_guard lock(mutex);
      return seen[key].size() >= kPerKey;
    });
    const std::lock_guard lock(mutex);
    check(seen[key] == expected, "order of key " + std::to_string(key));
  }
  check(suspended_once, "one message was put back once");
  check(!overlapped, "no queue was consumed by two threads at once");
  consumer.shutdown();
}

void rebalance(CaseContext& context) {
  constexpr int kQueues = 4;
  const std::string topic = context.create_topic(kQueues);
  const auto producer = context.start_producer();
  std::set<MessageQueue> all;
  for (int id = 0; id < kQueues; ++id) all.insert(context.queue(topic, id));
  const std::string group = context.group("main");
  Collector by_first, by_second;
  const auto first = start_consumer(context.push_options(group), topic, by_first);
  await("the only consumer owns all queues", [&] { return owned(*first) == all; });
  const auto second = start_consumer(context.push_options(group), topic, by_second);
  await("each owns two queues, none twice", [&] {
    const auto ours = owned(*first), theirs = owned(*second);
    std::set<MessageQueue> both = ours;
    both.insert(theirs.begin(), theirs.end());
    return ours.size() == 2 && theirs.size() == 2 && both == all;
  });
  const auto first_queues = queue_ids(owned(*first)), second_queues = queue_ids(owned(*second));
  send_to_each(context, *producer, topic, kQueues, "shared");
  await("messages of the shared time", [&] { return by_first.size() + by_second.size() >= kQueues * 5; });
  check(queue_ids(by_first) == first_queues, "queues consumed by the first");
  check(queue_ids(by_second) == second_queues, "queues consumed by the second");

  second->shutdown();
  await("the one that stays owns all queues again", [&] { return owned(*first) == all; });
  send_to_each(context, *producer, topic, kQueues, "alone");
  await("messages after one left", [&] {
    const auto counts = by_first.count_by_body();
    return std::ranges::count_if(counts, [](const auto& item) { return item.first.starts_with("alone"); }) == kQueues * 5;
  });
}

void broadcast(CaseContext& context) {
  constexpr int kCount = 40;
  const std::string topic = context.create_topic(4);
  std::array<Collector, 2> received;
  std::vector<std::unique_ptr<PushConsumer>> consumers;
  for (Collector& collector : received) {
    PushConsumerOptions options = context.push_options(context.group("main"));
    options.model = MessageModel::broadcasting;
    consumers.push_back(start_consumer(options, topic, collector));
  }
  const auto producer = context.start_producer();
  std::map<std::string, std::string> body_by_id;
  for (int i = 0; i < kCount; ++i) {
    const std::string body = "broadcast " + std::to_string(i);
    body_by_id[must(producer->send(Message(topic, body)), "send").message_id] = body;
  }
  for (const Collector& collector : received) {
    await("all messages at each consumer", [&] { return collector.size() >= kCount; });
    check(collector.body_by_id() == body_by_id, "ids and bodies received");
  }
}

void tag_filter(CaseContext& context) {
  const std::string topic = context.create_topic(2);
  const auto producer = context.start_producer();
  // "Aa" and "BB" have the same Java hash code: the broker lets both pass, the client must drop one.
  Collector by_colour, by_hash;
  const auto colour = start_consumer(context.push_options(context.group("colour")), topic, by_colour, "red || green");
  const auto hash = start_consumer(context.push_options(context.group("hash")), topic, by_hash, "Aa");
  std::map<std::string, std::string> colours, hashes;
  for (const std::string tag : {"red", "green", "blue", "Aa", "BB", "red", "Aa", "BB", "blue", "green"}) {
    Message message(topic, "tagged " + tag);
    message.set_tag(tag);
    const std::string id = must(producer->send(std::move(message)), "send").message_id;
    if (tag == "red" || tag == "green") colours[id] = "tagged " + tag;
    if (tag == "Aa") hashes[id] = "tagged " + tag;
  }
  must(producer->send(Message(topic, "without a tag")), "send");
  await("messages of two tags", [&] { return by_colour.body_by_id().size() >= colours.size(); });
  await("messages of one tag", [&] { return by_hash.body_by_id().size() >= hashes.size(); });
  check(by_colour.body_by_id() == colours, "messages of two tags");
  check(by_hash.body_by_id() == hashes, "messages of one tag");
}

void sql_filter(CaseContext& context) {
  const std::string topic = context.create_topic(1);
  const auto producer = context.start_producer();
  Collector received;
  PushConsumer consumer(context.push_options(context.group("main")));
  consumer.subscribe_sql(topic, "size > 5 AND colour IN ('red', 'green') AND gone IS NULL");
  consumer.set_listener(received.listener());
  must(consumer.start(), "start of the consumer");
  std::map<std::string, std::string> wanted;
  constexpr std::array kColours{"red", "green", "blue"};
  for (int i = 0; i < 30; ++i) {
    const std::string colour = kColours[static_cast<std::size_t>(i % 3)];
    Message message(topic, colour + " " + std::to_string(i));
    message.set_property("size", i % 7 == 0 ? "large" : std::to_string(i % 10));
    message.set_property("colour", colour);
    if (i % 4 == 0) message.set_property("gone", "yes");
    const std::string id = must(producer->send(std::move(message)), "send").message_id;
    if (i % 7 != 0 && i % 10 > 5 && colour != "blue" && i % 4 != 0) wanted[id] = colour + " " + std::to_string(i);
  }
  Message last(topic, "last");  // Behind all others: what was to come before it has come.
  last.set_property("size", "6").set_property("colour", "red");
  wanted[must(producer->send(std::move(last)), "send").message_id] = "last";
  await("messages that the expression is true for", [&] { return received.body_by_id().size() >= wanted.size(); });
  check(received.body_by_id() == wanted, "messages that the expression is true for");
}

}  // namespace skylark::compat
