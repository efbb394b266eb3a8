// SPDX-License-Identifier: Apache-2.0
#include "tests/compat/cpp/case_context.h"

#include <chrono>

#include "tests/compat/cpp/check.h"

namespace skylark::compat {

using namespace client;

CaseContext::CaseContext(std::string case_name, std::string suffix, std::string name_servers)
    : name_(std::move(case_name)), suffix_(std::move(suffix)), name_servers_(std::move(name_servers)) {
  admin_ = std::make_unique<Admin>(client_options());
  must(admin_->start(), "start of the admin client");
  PullConsumerOptions options;
  options.client = client_options();
  options.group = group("reader");
  options.auto_commit = false;
  reader_ = std::make_unique<PullConsumer>(options);
  must(reader_->start(), "start of the reader");
}

CaseContext::~CaseContext() = default;

ClientOptions CaseContext::client_options() {
  ClientOptions options;
  options.name_servers = name_servers_;
  options.instance_name = name_ + "-" + suffix_ + "-" + std::to_string(clients_++);
  options.route_interval = milliseconds(1'000);
  options.heartbeat_interval = milliseconds(1'000);
  options.request_timeout = milliseconds(10'000);
  return options;
}

ProducerOptions CaseContext::producer_options() {
  ProducerOptions options;
  options.client = client_options();
  options.group = group("producer");
  options.send_timeout = milliseconds(10'000);
  return options;
}

PushConsumerOptions CaseContext::push_options(const std::string& group) {
  PushConsumerOptions options;
  options.client = client_options();
  options.group = group;
  options.start_from = StartFrom::first_offset;
  options.rebalance_interval = milliseconds(1'000);
  options.persist_interval = milliseconds(500);
  options.lock_interval = milliseconds(1'000);
  options.pull_hold = milliseconds(5'000);
  return options;
}

std::unique_ptr<Producer> CaseContext::start_producer() {
  auto producer = std::make_unique<Producer>(producer_options());
  must(producer->start(), "start of the producer");
  return producer;
}

std::string CaseContext::create_topic(int queue_count) {
  const std::string topic = topic_name("main");
  must(admin_->create_topic(topic, queue_count), "create topic " + topic);
  must(admin_->await_route(topic, milliseconds(60'000)), "route of " + topic);
  broker_name_ = must(reader_->queues_of(topic), "queues of " + topic).front().broker_name;
  return topic;
}

MessageQueue CaseContext::queue(const std::string& topic, int queue_id) { return MessageQueue{topic, broker_name_, queue_id}; }

std::int64_t CaseContext::max_offset(const MessageQueue& queue) {
  return must(reader_->max_offset(queue), "max offset of " + queue.to_string());
}

std::vector<ReceivedMessage> CaseContext::read_queue(const std::string& topic, int queue_id, std::int64_t count) {
  const MessageQueue from = queue(topic, queue_id);
  std::vector<ReceivedMessage> found;
  await(std::to_string(count) + " messages in " + from.to_string(), [&] {
    const auto offset = static_cast<std::int64_t>(found.size());
    if (offset >= count) return true;
    PullBatch batch = must(reader_->pull(from, offset), "pull");
    for (ReceivedMessage& message : batch.messages) found.push_back(std::move(message));
    return static_cast<std::int64_t>(found.size()) >= count;
  });
  check_equal(count, static_cast<std::int64_t>(found.size()), "messages in " + from.to_string());
  check_equal(count, max_offset(from), "max offset of " + from.to_string());
  for (std::size_t i = 0; i < found.size(); ++i) {
    check_equal(static_cast<std::int64_t>(i), found[i].queue_offset, "queue offset in " + from.to_string());
  }
  return found;
}

std::vector<ReceivedMessage> CaseContext::read_topic(const std::string& topic, int queue_count, std::int64_t count) {
  await(std::to_string(count) + " messages in " + topic, [&] {
    std::int64_t sum = 0;
    for (int id = 0; id < queue_count; ++id) sum += max_offset(queue(topic, id));
    return sum >= count;
  });
  std::vector<ReceivedMessage> found;
  for (int id = 0; id < queue_count; ++id) {
    for (ReceivedMessage& message : read_queue(topic, id, max_offset(queue(topic, id)))) found.push_back(std::move(message));
  }
  check_equal(count, static_cast<std::int64_t>(found.size()), "messages in " + topic);
  return found;
}

bool CaseContext::consumed_all(const std::string& group, const std::string& topic, std::size_t queue_count, std::int64_t count) {
  const auto rows = must(admin_->consume_stats(group, topic), "progress of " + group);
  std::size_t complete = 0;
  std::int64_t consumed = 0;
  for (const QueueProgress& row : rows) {
    if (row.queue.topic != topic) continue;
    consumed += row.consumer_offset;
    if (row.lag() == 0) ++complete;
  }
  return complete == queue_count && consumed == count;
}

void Collector::add(const ReceivedMessage& message) {
  const std::lock_guard lock(mutex_);
  body_by_id_[message.message_id] = message.body;
  ++count_by_body_[message.body];
  messages_.insert_or_assign(message.body, message);
}

std::map<std::string, std::string> Collector::body_by_id() const {
  const std::lock_guard lock(mutex_);
  return body_by_id_;
}

std::map<std::string, int> Collector::count_by_body() const {
  const std::lock_guard lock(mutex_);
  return count_by_body_;
}

ReceivedMessage Collector::message(const std::string& body) const {
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(body);
  if (found == messages_.end()) throw CheckFailed("no message '" + body + "' was received");
  return found->second;
}

bool Collector::has(const std::string& body) const {
  const std::lock_guard lock(mutex_);
  return messages_.contains(body);
}

std::size_t Collector::size() const {
  const std::lock_guard lock(mutex_);
  return messages_.size();
}

ConcurrentListener Collector::listener() {
  return [this](const std::vector<ReceivedMessage>& messages, ConsumeContext&) {
    for (const ReceivedMessage& message : messages) add(message);
    return ConsumeResult::success;
  };
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace skylark::compat
