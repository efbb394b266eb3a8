// SPDX-License-Identifier: Apache-2.0
// Every way of sending; what was sent is read back queue by queue.
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <sstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/compat/cpp/cases.h"
#include "tests/compat/cpp/check.h"

namespace skylark::compat {

using namespace client;

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// The last send of `send_sync` goes through the coroutine form, from a loop of the caller.
SendResult send_by_coroutine(Producer& producer, Message message) {
  boost::asio::io_context loop;
  Outcome<SendResult> result = Failure(Errc::closed, "the coroutine did not run");
  const auto send = [](Producer& through, Message what, Outcome<SendResult>& into) -> Task<void> {
    into = co_await through.co_send(std::move(what));
  };
  boost::asio::co_spawn(loop, send(producer, std::move(message), result), [](std::exception_ptr) {});
  loop.run();
  return must(std::move(result), "send by coroutine");
}

}  // namespace

void send_sync(CaseContext& context) {
  constexpr int kQueues = 4, kCount = 20;
  const std::string topic = context.create_topic(kQueues);
  const auto producer = context.start_producer();
  std::map<std::string, SendResult> sent;
  for (int i = 0; i < kCount; ++i) {
    const std::string number = std::to_string(i);
    Message message(topic, "sync body " + number + " äöü 消息");
    message.set_tag("tag-" + std::to_string(i % 3)).set_keys({"key-" + number}).set_property("colour", "blue " + number);
    message.flag = i;
    const SendResult result =
        i + 1 < kCount ? must(producer->send(std::move(message)), "send") : send_by_coroutine(*producer, std::move(message));
    check(result.status == SendStatus::ok, "status of a send");
    check(sent.emplace(result.message_id, result).second, "message ids are unique");
  }
  std::set<std::string> bodies;
  for (const ReceivedMessage& message : context.read_topic(topic, kQueues, kCount)) {
    const auto found = sent.find(message.message_id);
    check(found != sent.end(), "id " + message.message_id + " was given to the producer");
    check_equal(found->second.queue_offset, message.queue_offset, "queue offset");
    check(found->second.queue == message.queue, "queue of " + message.message_id);
    check_equal(found->second.offset_message_id, message.offset_message_id, "offset id");
    check_equal(topic, message.topic, "topic");
    const std::string number = std::to_string(message.flag);
    check_equal("sync body " + number + " äöü 消息", message.body, "body");
    check_equal("tag-" + std::to_string(message.flag % 3), message.tag(), "tag");
    check_equal("key-" + number, message.keys(), "keys");
    check_equal("blue " + number, message.property("colour"), "user property");
    check(message.store_timestamp_ms >= message.born_timestamp_ms, "stored after born");
    check(message.born_host.starts_with("127.0.0.1:"), "born host " + message.born_host);
    bodies.insert(message.body);
  }
  check_equal(static_cast<std::size_t>(kCount), bodies.size(), "different bodies");
}

void send_async(CaseContext& context) {
  constexpr int kQueues = 4, kCount = 64;
  const std::string topic = context.create_topic(kQueues);
  const auto producer = context.start_producer();
  std::mutex mutex;
  std::condition_variable answered;
  int answers = 0;
  std::map<std::string, std::string> body_by_id;
  std::string failure;
  for (int i = 0; i < kCount; ++i) {
    const std::string body = "async " + std::to_string(i);
    producer->send_async(Message(topic, body), [&, body](Outcome<SendResult> result) {
      const std::lock_guard lock(mutex);
      if (result) {
        body_by_id[result->message_id] = body;
      } else {
        failure = result.error().describe();
      }
      ++answers;
      answered.notify_all();
    });
  }
  bool all = false;
  {
    std::unique_lock lock(mutex);
    all = answered.wait_for(lock, std::chrono::seconds(60), [&] { return answers == kCount; });
  }
  if (!all) producer->shutdown();  // Before the callbacks' captures go.
  check(all, "all callbacks came");
  check_equal("", failure, "failure of an asynchronous send");
  check_equal(static_cast<std::size_t>(kCount), body_by_id.size(), "different message ids");
  for (const ReceivedMessage& message : context.read_topic(topic, kQueues, kCount)) {
    check_equal(body_by_id[message.message_id], message.body, "body of " + message.message_id);
    body_by_id.erase(message.message_id);
  }
  check(body_by_id.empty(), "every acknowledged message was read");
}

void send_one_way(CaseContext& context) {
  constexpr int kQueues = 2, kCount = 20;
  const std::string topic = context.create_topic(kQueues);
  const auto producer = context.start_producer();
  std::set<std::string> sent, found;
  for (int i = 0; i < kCount; ++i) {
    const std::string body = "one way " + std::to_string(i);
    must(producer->send_one_way(Message(topic, body)), "one-way send");
    sent.insert(body);
  }
  for (const ReceivedMessage& message : context.read_topic(topic, kQueues, kCount)) found.insert(message.body);
  check(sent == found, "bodies of one-way sends");
}

void send_batch(CaseContext& context) {
  constexpr int kCount = 10;
  const std::string topic = context.create_topic(1);
  const auto producer = context.start_producer();
  must(producer->send(Message(topic, "before")), "send");
  std::vector<Message> batch;
  for (int i = 0; i < kCount; ++i) {
    const std::string number = std::to_string(i);
    Message& message = batch.emplace_back(topic, "batch " + number);
    message.set_tag("tag-" + number).set_keys({"batch-key-" + number}).set_property("position", number);
  }
  const SendResult result = must(producer->send_batch(std::move(batch)), "send of the batch");
  check(result.status == SendStatus::ok, "status of the batch");
  check_equal(1, result.queue_offset, "queue offset of the first of the batch");
  const auto ids = split(result.message_id, ',');
  check_equal(static_cast<std::size_t>(kCount), std::set<std::string>(ids.begin(), ids.end()).size(), "message ids of the batch");
  const auto offset_ids = split(result.offset_message_id, ',');
  check_equal(static_cast<std::size_t>(kCount), offset_ids.size(), "offset ids of the batch");
  const auto found = context.read_queue(topic, 0, kCount + 1);
  for (std::size_t i = 0; i < kCount; ++i) {
    const ReceivedMessage& message = found[i + 1];
    const std::string number = std::to_string(i);
    check_equal("batch " + number, message.body, "body");
    const ReceivedMessage by_id = must(context.admin().message_by_offset_id(offset_ids[i]), "view of " + offset_ids[i]);
    check_equal("batch " + number, by_id.body, "body by offset id");
    check_equal(message.physical_offset, by_id.physical_offset, "place in the log by offset id");
    check_equal("tag-" + number, message.tag(), "tag");
    check_equal("batch-key-" + number, message.keys(), "keys");
    check_equal(number, message.property("position"), "user property");
  }
}

void send_big(CaseContext& context) {
  const std::string topic = context.create_topic(1);
  const auto producer = context.start_producer();
  std::string compressible, random(1u << 20, '\0');
  for (int i = 0; i < 8'000; ++i) compressible += "the same words again; ";
  std::mt19937 bits(20240607);
  for (char& byte : random) byte = static_cast<char>(bits());
  must(producer->send(Message(topic, compressible)), "send of a compressible body");
  must(producer->send(Message(topic, random)), "send of a random body");
  const auto found = context.read_queue(topic, 0, 2);
  check(found[0].body == compressible, "the compressed body is the one sent");
  check(static_cast<std::size_t>(found[0].store_size_bytes) < compressible.size() / 4, "it is stored compressed");
  check(found[1].body == random, "the incompressible body is the one sent");
  check(static_cast<std::size_t>(found[1].store_size_bytes) > random.size(), "it is stored whole");
}

}  // namespace skylark::compat
