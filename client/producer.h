// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "client/message.h"
#include "client/options.h"
#include "client/outcome.h"
#include "client/task.h"

namespace skylark::client {

class ProducerCore;

/// Picks the index of a queue out of a topic's queues, which are in a fixed order and never none. Runs on the client's io thread.
using QueueSelector = std::function<std::size_t(const std::vector<MessageQueue>& queues, const Message& message)>;

/// Where a message goes: any queue (round robin, retried on another broker), one certain queue, or the selector's choice. The
/// latter two are tried once, so that order is kept.
using SendTarget = std::variant<std::monostate, MessageQueue, QueueSelector>;

/// Runs once, on the client's io thread: it must not block, nor call a blocking member of the same client.
using SendCallback = std::function<void(Outcome<SendResult>)>;

/// Sends messages. A success says that a broker stored the message; `SendResult::status` says what it could not confirm in time.
/// A failure after `timed_out` or `closed` leaves open whether it was stored.
///
/// Failures: `invalid_argument`, `too_large` (nothing was sent), `busy`, `timed_out`, `cannot_connect`, `closed`, `not_found`, or a
///           response code (17: no such topic).
/// Life:     `start()` once, `shutdown()` once, which the destructor does too. Sends that are under way end with `closed`.
/// Threads:  every member from any thread. Blocking members not from callbacks of the same client.
/// Source:   DefaultMQProducer.java.
class Producer {
 public:
  explicit Producer(ProducerOptions options);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  Outcome<> start();
  void shutdown();
  [[nodiscard]] const std::string& client_id() const noexcept;

  Outcome<SendResult> send(Message message, SendTarget target = {});
  /// Messages of one topic as one request, stored one by one in one queue. No delay, no transaction, no compression.
  Outcome<SendResult> send_batch(std::vector<Message> messages, SendTarget target = {});
  void send_async(Message message, SendCallback callback, SendTarget target = {});
  /// Hands the message to the network and asks for no answer. Success says no more than that a broker for the topic is known.
  Outcome<> send_one_way(Message message, SendTarget target = {});
  /// Queues of a topic that can be sent to.
  Outcome<std::vector<MessageQueue>> publish_queues(std::string topic);

  // Coroutine forms.
  Task<Outcome<SendResult>> co_send(Message message, SendTarget target = {});
  Task<Outcome<SendResult>> co_send_batch(std::vector<Message> messages, SendTarget target = {});
  Task<Outcome<>> co_send_one_way(Message message, SendTarget target = {});

 private:
  std::unique_ptr<ProducerCore> core_;
};

}  // namespace skylark::client
