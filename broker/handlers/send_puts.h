// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/broker_config.h"
#include "broker/message_hooks.h"
#include "broker/message_store.h"
#include "broker/parts.h"
#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// What the answer to a send tells besides the result of its put.
struct SentMessages {
  std::string_view topic;  ///< As sent; it may be stored in another.
  std::string_view unique_key;
  std::int32_t queue_id = 0;
  std::int32_t count = 1;
  bool inner_batch = false;
};

/// Hands to the store what send requests bring, and answers them when what the settings promise is true.
///
/// The puts of one read of a connection go to the log together, when all its requests have been handled: threads that send meet there, and
/// each that waits costs more than the append itself. Source of the answers: SendMessageProcessor.java 5.3.3.
/// Threads: any; between `put` and `dispatched` what a read has brought belongs to its thread.
class SendPuts {
 public:
  SendPuts(const BrokerConfig& config, const BrokerIdentity& identity, MessageStore& store, BrokerStats& stats);

  /// The answer, or word that it follows: from `dispatched`, or from a thread of the store. The response holds views that are good until
  /// the next put on this thread; nothing of `sent` and `messages` is needed after the call.
  remoting::Reply put(const RemotingCommand& request, const SentMessages& sent, std::span<const PutMessage> messages,
                      const remoting::ConnectionPtr& connection) const;
  /// All requests of a read have been handled.
  void dispatched(const remoting::ConnectionPtr& connection) const;
  /// Answers that wait for the disk or for replicas.
  [[nodiscard]] std::int64_t pending_count() const noexcept { return pending_count_; }
  /// Waits until every accepted message has been answered, or that long.
  void wait_for_pending(std::chrono::milliseconds longest) const;

  [[nodiscard]] RemotingCommand refusal(const RemotingCommand& request, Refusal refusal) const;
  /// Why a message of that size is refused.
  [[nodiscard]] std::optional<Refusal> refuse_sizes(std::size_t body_size, std::size_t properties_size) const;

 private:
  struct Asked;
  struct Staged;
  struct Pending;

  [[nodiscard]] static Staged& staged_by_this_thread();
  void append(Staged& staged, const remoting::ConnectionPtr& connection) const;
  [[nodiscard]] remoting::Reply reply(const Asked& asked, PutResult& result, const remoting::ConnectionPtr& connection) const;
  [[nodiscard]] remoting::Reply reply_now(const Asked& asked, const PutResult& result) const;
  [[nodiscard]] remoting::Reply reply_when_kept(const Asked& asked, PutResult& result, const remoting::ConnectionPtr& connection) const;
  void finish(const std::shared_ptr<Pending>& pending, const PutResult& result) const;
  void add_broker_fields(RemotingCommand& response) const;
  [[nodiscard]] std::optional<Refusal> refuse_put(PutStatus status) const;
  void fill_in(const Asked& asked, const PutResult& result, RemotingCommand& response) const;

  const BrokerConfig& config_;
  const BrokerIdentity& identity_;
  MessageStore& store_;
  BrokerStats& stats_;
  const std::string region_;
  const std::size_t body_size_max_;
  mutable std::atomic<std::int64_t> pending_count_{0};
};

}  // namespace skylark::broker
