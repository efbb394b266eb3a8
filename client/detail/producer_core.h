// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/detail/instance.h"
#include "client/producer.h"

namespace skylark::client {

/// A message, or batch, as it goes over the wire; made once and sent as often as needed.
struct OutgoingMessage {
  std::string topic;
  std::shared_ptr<const std::string> body;
  std::string properties;
  std::string message_id;
  std::int32_t sys_flag = 0;
  std::int32_t flag = 0;
  std::int64_t born_timestamp_ms = 0;
  bool batch = false;
};

/// The asynchronous core of `Producer` and `TransactionProducer`. Coroutines run on the io thread.
class ProducerCore final : public Role {
 public:
  using RequestHandler = std::function<remoting::Reply(RemotingCommand&, const remoting::ConnectionPtr&)>;

  explicit ProducerCore(ProducerOptions options);
  ~ProducerCore() override;

  Outcome<> start();
  void shutdown();
  [[nodiscard]] Instance& instance() noexcept { return instance_; }
  [[nodiscard]] Core& core() noexcept { return instance_.core(); }
  [[nodiscard]] const ProducerOptions& options() const noexcept { return options_; }
  /// Served before the answer "not supported"; set before `start()`.
  void set_request_handler(std::int32_t code, RequestHandler handler) { handlers_[code] = std::move(handler); }

  Task<Outcome<SendResult>> send(Message message, SendTarget target);
  Task<Outcome<SendResult>> send_batch(std::vector<Message> messages, SendTarget target);
  Task<Outcome<>> send_one_way(Message message, SendTarget target);
  Task<Outcome<std::vector<MessageQueue>>> queues_of(std::string topic);

  // Role
  void describe(HeartbeatData& into) override;
  remoting::Reply serve(RemotingCommand& request, const remoting::ConnectionPtr& connection) override;

 private:
  struct PublishQueues {
    RoutePtr route;
    std::shared_ptr<const std::vector<MessageQueue>> queues;
  };
  using QueuesPtr = std::shared_ptr<const std::vector<MessageQueue>>;

  Task<Outcome<QueuesPtr>> find_queues(std::string topic);
  Task<Outcome<SendResult>> deliver(OutgoingMessage message, Message original, SendTarget target);
  Task<Outcome<SendResult>> attempt(const OutgoingMessage& message, const MessageQueue& queue);
  [[nodiscard]] Outcome<MessageQueue> choose(const std::vector<MessageQueue>& queues, const Message& original, const SendTarget& target,
                                             const std::string& failed_broker);
  [[nodiscard]] OutgoingMessage prepare(Message& message) const;
  [[nodiscard]] RemotingCommand make_send_request(const OutgoingMessage& message, const MessageQueue& queue) const;

  ProducerOptions options_;
  std::map<std::int32_t, RequestHandler> handlers_;
  std::map<std::string, PublishQueues> publish_queues_;
  std::uint64_t sequence_;
  std::size_t in_flight_ = 0;
  std::atomic<bool> started_{false};
  Instance instance_;  // Last: its thread uses the rest.
};

}  // namespace skylark::client
