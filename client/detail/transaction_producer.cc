// SPDX-License-Identifier: Apache-2.0
#include "client/transaction_producer.h"

#include "base/log.h"
#include "client/detail/producer_core.h"
#include "client/detail/records.h"
#include "client/detail/worker_pool.h"
#include "protocol/message.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "protocol/send_headers.h"

namespace skylark::client {

namespace {

std::int32_t wire_value(TransactionState state) {
  switch (state) {
    case TransactionState::commit: return sys_flag::kTransactionCommit;
    case TransactionState::rollback: return sys_flag::kTransactionRollback;
    case TransactionState::unknown: return sys_flag::kTransactionNone;
  }
  return sys_flag::kTransactionNone;
}

}  // namespace

std::string_view to_string(TransactionState state) noexcept {
  switch (state) {
    case TransactionState::commit: return "COMMIT_MESSAGE";
    case TransactionState::rollback: return "ROLLBACK_MESSAGE";
    case TransactionState::unknown: return "UNKNOW";
  }
  return "UNKNOW";
}

struct TransactionProducer::Impl {
  Impl(TransactionProducerOptions options, TransactionListener& application)
      : listener(application), workers(options.worker_count), producer(std::move(options.producer)) {
    producer.set_request_handler(to_int(RequestCode::check_transaction_state),
                                 [this](RemotingCommand& request, const remoting::ConnectionPtr& connection) {
                                   return on_check(request, connection);
                                 });
  }
  ~Impl() { shutdown(); }

  void shutdown() {
    producer.core().begin_stop();
    workers.stop();  // Before the core, whose coroutines wait for workers.
    producer.shutdown();
  }

  Task<Outcome<TransactionSendResult>> send(Message message);
  Task<bool> tell_broker(SendResult half, std::string unique_key, TransactionState state);
  remoting::Reply on_check(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  Task<void> check(ReceivedMessage half, EndTransactionRequestHeader answer, remoting::ConnectionPtr connection);

  TransactionListener& listener;
  WorkerPool workers;
  ProducerCore producer;
};

Task<Outcome<TransactionSendResult>> TransactionProducer::Impl::send(Message message) {
  message.properties.erase(std::string(property::kDelay));  // A half message cannot be delayed.
  message.set_property(std::string(property::kTransactionPrepared), "true");
  message.set_property(std::string(property::kProducerGroup), producer.options().group);
  Outcome<SendResult> half = co_await producer.send(message, SendTarget());
  if (!half) co_return half.error();

  TransactionSendResult result;
  result.half = *half;
  if (half->status == SendStatus::ok) {
    message.set_property(std::string(property::kUniqueKey), half->message_id);
    std::function<TransactionState()> execute = [this, message, sent = *half] { return listener.execute(message, sent); };
    const std::optional<TransactionState> state = co_await run_on<TransactionState>(workers, std::move(execute));
    result.state = state.value_or(TransactionState::unknown);
  } else {
    result.state = TransactionState::rollback;  // Not stored as safely as was asked for: as Java, do not begin.
  }
  result.decided = co_await tell_broker(*half, half->message_id, result.state);
  co_return result;
}

Task<bool> TransactionProducer::Impl::tell_broker(SendResult half, std::string unique_key, TransactionState state) {
  const auto id = parse_offset_message_id(half.offset_message_id);
  if (!id) co_return false;
  EndTransactionRequestHeader header;
  header.topic = half.queue.topic;
  header.producer_group = producer.options().group;
  header.half_queue_offset = half.queue_offset;
  header.half_physical_offset = id->physical_offset;
  header.commit_or_rollback = wire_value(state);
  header.message_id = unique_key;
  header.transaction_id = half.transaction_id;
  header.broker_name = half.queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::end_transaction), header);
  if (state == TransactionState::unknown) {  // The broker answers nothing to that.
    if (const auto address = producer.instance().address(half.queue.broker_name)) {
      producer.core().call_one_way(*address, std::move(request));
    }
    co_return false;
  }
  Outcome<RemotingCommand> answer = co_await producer.instance().call_broker(half.queue.broker_name, std::move(request));
  if (!answer) log::warn("end of transaction {}: {}", unique_key, answer.error().describe());
  co_return answer.has_value();
}

remoting::Reply TransactionProducer::Impl::on_check(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<CheckTransactionStateRequestHeader>(request);
  if (!header) return make_response(request, to_int(ResponseCode::system_error), header.error().message());
  auto halves = decode_messages(request.body.to_string(), header->broker_name.value_or(""));
  if (!halves || halves->empty()) return make_response(request, to_int(ResponseCode::system_error), "no half message in the body");
  ReceivedMessage half = std::move(halves->front());
  if (half.property(property::kProducerGroup) != producer.options().group) return remoting::Reply::none();
  EndTransactionRequestHeader answer;
  answer.topic = header->topic;
  answer.producer_group = producer.options().group;
  answer.half_queue_offset = header->half_queue_offset;
  answer.half_physical_offset = header->half_physical_offset;
  answer.from_transaction_check = true;
  answer.message_id = half.message_id;
  answer.transaction_id = header->transaction_id;
  answer.broker_name = header->broker_name;
  producer.core().spawn(check(std::move(half), std::move(answer), connection));
  return remoting::Reply::none();
}

Task<void> TransactionProducer::Impl::check(ReceivedMessage half, EndTransactionRequestHeader answer, remoting::ConnectionPtr connection) {
  std::function<TransactionState()> ask = [this, half] { return listener.check(half); };
  const std::optional<TransactionState> state = co_await run_on<TransactionState>(workers, std::move(ask));
  if (!state) co_return;  // Nothing is said: the broker asks again.
  answer.commit_or_rollback = wire_value(*state);
  connection->invoke_one_way(make_request(to_int(RequestCode::end_transaction), answer));
}

TransactionProducer::TransactionProducer(TransactionProducerOptions options, TransactionListener& listener)
    : impl_(std::make_unique<Impl>(std::move(options), listener)) {}
TransactionProducer::~TransactionProducer() = default;

Outcome<> TransactionProducer::start() { return impl_->producer.start(); }
void TransactionProducer::shutdown() { impl_->shutdown(); }

Outcome<TransactionSendResult> TransactionProducer::send_in_transaction(Message message) {
  return impl_->producer.core().wait(impl_->send(std::move(message)));
}

Task<Outcome<TransactionSendResult>> TransactionProducer::co_send_in_transaction(Message message) {
  return impl_->producer.core().run(impl_->send(std::move(message)));
}

}  // namespace skylark::client
