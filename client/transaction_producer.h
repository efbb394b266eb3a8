// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "client/message.h"
#include "client/options.h"
#include "client/outcome.h"
#include "client/task.h"

namespace skylark::client {

/// What a local transaction came to. `unknown` leaves the half message where it is; the broker asks again.
enum class TransactionState { commit, rollback, unknown };
[[nodiscard]] std::string_view to_string(TransactionState state) noexcept;

/// The application's half of a transaction. Both run on worker threads of the producer, several at once; what they throw counts
/// as `unknown`.
class TransactionListener {
 public:
  virtual ~TransactionListener() = default;
  /// The half message is stored and seen by nobody: do the local transaction.
  virtual TransactionState execute(const Message& message, const SendResult& half) = 0;
  /// The broker has no decision about this half message: say what the local transaction came to.
  virtual TransactionState check(const ReceivedMessage& half) = 0;
};

struct TransactionSendResult {
  SendResult half;  ///< How the half message was stored; its `message_id` stays that of the message.
  TransactionState state = TransactionState::unknown;
  /// The broker has taken the decision. When false the message waits for a check, whatever `state` says.
  bool decided = false;
};

struct TransactionProducerOptions {
  ProducerOptions producer;
  std::size_t worker_count = 2;  ///< Threads for the listener.
};

/// Sends messages that become visible only when a local transaction commits.
///
/// The group names the application: any live producer of it may be asked about any of its half messages, so all of them need a
/// listener that can tell. Life, threads and failures: as `Producer`.
/// Source: TransactionMQProducer.java.
class TransactionProducer {
 public:
  /// `listener` must outlive this.
  TransactionProducer(TransactionProducerOptions options, TransactionListener& listener);
  ~TransactionProducer();
  TransactionProducer(const TransactionProducer&) = delete;
  TransactionProducer& operator=(const TransactionProducer&) = delete;

  Outcome<> start();
  void shutdown();

  /// Stores the half message, runs the listener, tells the broker. A failure says that no half message is known to be stored.
  Outcome<TransactionSendResult> send_in_transaction(Message message);
  Task<Outcome<TransactionSendResult>> co_send_in_transaction(Message message);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skylark::client
