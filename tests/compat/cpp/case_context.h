// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/admin.h"
#include "client/producer.h"
#include "client/pull_consumer.h"
#include "client/push_consumer.h"
#include "client/transaction_producer.h"

namespace skylark::compat {

/// What one case works with: its own names, and clients with short intervals.
class CaseContext {
 public:
  CaseContext(std::string case_name, std::string suffix, std::string name_servers);
  ~CaseContext();

  [[nodiscard]] std::string topic_name(const std::string& part) const { return "T-" + name_ + "-" + part + "-" + suffix_; }
  [[nodiscard]] std::string group(const std::string& part) const { return "G-" + name_ + "-" + part + "-" + suffix_; }
  [[nodiscard]] const std::string& name_servers() const { return name_servers_; }
  [[nodiscard]] client::Admin& admin() { return *admin_; }

  /// Creates a topic and waits until clients can find it.
  std::string create_topic(int queue_count);
  /// The only broker of the test. Its topic must be there.
  client::MessageQueue queue(const std::string& topic, int queue_id);

  [[nodiscard]] client::ClientOptions client_options();
  [[nodiscard]] client::ProducerOptions producer_options();
  [[nodiscard]] client::PushConsumerOptions push_options(const std::string& group);
  std::unique_ptr<client::Producer> start_producer();

  /// All of one queue from offset 0, once it holds `count`; offsets are checked to be 0, 1, 2, ...
  std::vector<client::ReceivedMessage> read_queue(const std::string& topic, int queue_id, std::int64_t count);
  /// All queues of a topic, once they hold `count` together; queue after queue.
  std::vector<client::ReceivedMessage> read_topic(const std::string& topic, int queue_count, std::int64_t count);
  std::int64_t max_offset(const client::MessageQueue& queue);
  /// True once the broker knows that the group has consumed all `count` messages of the topic.
  bool consumed_all(const std::string& group, const std::string& topic, std::size_t queue_count, std::int64_t count);

 private:
  std::string name_;
  std::string suffix_;
  std::string name_servers_;
  int clients_ = 0;
  std::unique_ptr<client::Admin> admin_;
  std::unique_ptr<client::PullConsumer> reader_;
  std::string broker_name_;
};

/// What listeners collect: bodies by message id, and the last message of each body. Threads: any.
class Collector {
 public:
  void add(const client::ReceivedMessage& message);
  [[nodiscard]] std::map<std::string, std::string> body_by_id() const;
  [[nodiscard]] std::map<std::string, int> count_by_body() const;
  [[nodiscard]] client::ReceivedMessage message(const std::string& body) const;
  [[nodiscard]] bool has(const std::string& body) const;
  [[nodiscard]] std::size_t size() const;  ///< Different bodies.
  /// A listener that takes everything.
  [[nodiscard]] client::ConcurrentListener listener();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> body_by_id_;
  std::map<std::string, int> count_by_body_;
  std::map<std::string, client::ReceivedMessage> messages_;
};

[[nodiscard]] std::int64_t now_ms();

}  // namespace skylark::compat
