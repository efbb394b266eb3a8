// SPDX-License-Identifier: Apache-2.0
#include "broker/transaction/transaction_service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "broker/topic_names.h"
#include "broker/transaction/half_message.h"

namespace skylark::broker {
namespace {

constexpr std::string_view kOpProperties =
    "TAGS\x01"
    "d\x02"
    "WAIT\x01"
    "true\x02";  // Exactly these, as Java stores them.

EndOutcome refuse(std::string remark) { return {ResponseCode::system_error, std::move(remark)}; }

/// Source: EndTransactionProcessor.java sendFinalMessage.
EndOutcome outcome_of(const PutResult& put) {
  switch (put.status) {
    case PutStatus::ok:
    case PutStatus::flush_disk_timeout:
    case PutStatus::flush_slave_timeout:
    case PutStatus::slave_not_available: return {};
    case PutStatus::message_illegal:
      return {ResponseCode::message_illegal,
              "the message is illegal, maybe msg body or properties length not matched. msg body length limit 128k, msg properties length "
              "limit 32k."};
    case PutStatus::service_not_available: return {ResponseCode::service_not_available, "service not available now."};
    case PutStatus::page_cache_busy:
    case PutStatus::append_timeout: return refuse("OS page cache busy, please try another machine");
    case PutStatus::create_file_failed: return refuse("create mapped file failed.");
    case PutStatus::unknown_error: return refuse("UNKNOWN_ERROR");
  }
  return refuse("UNKNOWN_ERROR DEFAULT");
}

}  // namespace

TransactionService::TransactionService(MessageStore& store, Clock& clock, TransactionOptions options, HalfCheckPorts ports,
                                       MessageHook delay)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      finished_(static_cast<std::size_t>(std::max<std::int64_t>(1, options_.op_body_size_max)), options_.op_interval_ms),
      checker_(store, clock, options_.check, std::move(ports), finished_),
      delay_(std::move(delay)) {}

TransactionService::~TransactionService() { stop(); }

void TransactionService::start() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) return;
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void TransactionService::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  checker_.stop();
  wake_.notify_all();
  if (!thread.joinable()) return;
  thread.join();
  write_ops(true);
}

void TransactionService::run() {
  std::int64_t next_check_ms = clock_.steady_ms() + options_.check_interval_ms;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    ops_full_ = false;
    lock.unlock();
    write_ops(false);
    if (clock_.steady_ms() >= next_check_ms) {
      run_checks();
      next_check_ms = clock_.steady_ms() + options_.check_interval_ms;
    }
    std::int64_t wait_ms = std::clamp<std::int64_t>(next_check_ms - clock_.steady_ms(), 1, options_.op_interval_ms);
    if (const auto due_ms = finished_.due_in_ms(clock_.now_ms())) wait_ms = std::clamp<std::int64_t>(*due_ms, 1, wait_ms);
    lock.lock();
    wake_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return stopping_ || ops_full_; });
  }
}

void TransactionService::end(const EndTransactionRequestHeader& header, EndCallback callback) {
  const auto record = load_record(store_, header.half_physical_offset);
  if (!record || record->view.topic != names::kHalfTopic) return callback(refuse("Find prepared transaction message failed"));
  const MessageView& half = record->view;

  const std::int64_t age = age_ms(half, clock_.now_ms());
  if (!header.from_transaction_check && half.property(property::kCheckImmunity) && age > immunity_ms(half, options_.check.timeout_ms)) {
    return callback({ResponseCode::illegal_operation, {}});  // The check that is under way decides.
  }
  if (half.property(property::kProducerGroup) != std::string_view(header.producer_group))
    return callback(refuse("The producer group wrong"));
  if (half.queue_offset != header.half_queue_offset) return callback(refuse("The transaction state table offset wrong"));
  if (half.physical_offset != header.half_physical_offset) return callback(refuse("The commit log offset wrong"));

  if (!finished_.claim(half.queue_offset)) return callback({});  // A repeated end: the first one counts.
  if (header.commit_or_rollback == sys_flag::kTransactionCommit) return commit(half, std::move(callback));
  finish(half.queue_offset);
  callback({});
}

void TransactionService::commit(const MessageView& half, EndCallback callback) {
  const std::int64_t half_offset = half.queue_offset;
  OwnedMessage message;
  if (!committed_message(half, message)) {
    finished_.release(half_offset);
    return callback(refuse("Find prepared transaction message failed"));
  }
  OwnedParts parts;
  if (delay_) delay_(message.put, parts);
  store_.put(message.put, [this, half_offset, callback = std::move(callback)](const PutResult& put) {
    if (put.stored()) {
      finish(half_offset);
    } else {
      finished_.release(half_offset);
    }
    callback(outcome_of(put));
  });
}

void TransactionService::finish(std::int64_t half_offset) {
  if (!finished_.add(half_offset, clock_.now_ms())) return;
  {
    const std::lock_guard lock(mutex_);
    ops_full_ = true;
  }
  wake_.notify_all();
}

void TransactionService::write_ops(bool force) {
  std::string body = finished_.take(clock_.now_ms(), force);
  if (body.empty()) return;
  PutMessage op;
  op.wait_store_ok = false;
  op.fields.topic = names::kOpTopic;
  op.fields.queue_id = kHalfQueue;
  op.fields.born_timestamp = clock_.now_ms();
  op.fields.born_host = options_.check.store_host;
  op.fields.store_host = options_.check.store_host;
  op.fields.body = body;
  op.fields.properties = kOpProperties;
  if (!store_.put_sync(op).stored()) finished_.give_back(std::move(body), clock_.now_ms());
}

void TransactionService::resume(std::string_view offset_message_id, EndCallback callback) {
  const auto failure = [] { return refuse(fmt::format("Put message back to {} failed.", names::kHalfTopic)); };
  const auto id = parse_offset_message_id(offset_message_id);
  const auto record = id ? load_record(store_, id->physical_offset) : std::nullopt;
  if (!record || record->view.topic != names::kCheckMaxTimeTopic) return callback(failure());
  OwnedMessage again;
  renewed_half_message(record->view, property::kTransactionCheckTimes, "0", options_.check.store_host, again);
  store_.put(again.put,
             [failure, callback = std::move(callback)](const PutResult& put) { callback(put.stored() ? EndOutcome{} : failure()); });
}

}  // namespace skylark::broker
