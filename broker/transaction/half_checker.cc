// SPDX-License-Identifier: Apache-2.0
#include "broker/transaction/half_checker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "broker/topic_names.h"
#include "broker/transaction/half_message.h"
#include "protocol/request_code.h"
#include "protocol/send_headers.h"

namespace skylark::broker {
namespace {

constexpr std::size_t kOpsMax = 100'000;     // Op messages held at a time; with 4 KiB each at most some hundred MB, in practice little.
constexpr std::int64_t kPassMaxMs = 60'000;  // TransactionalMessageServiceImpl.MAX_PROCESS_TIME_LIMIT.

}  // namespace

HalfChecker::HalfChecker(MessageStore& store, Clock& clock, HalfCheckOptions options, HalfCheckPorts ports, FinishedHalves& finished)
    : store_(store), clock_(clock), options_(std::move(options)), ports_(std::move(ports)), finished_(finished) {}

void HalfChecker::run() {
  const std::int64_t pass_begin_ms = clock_.now_ms();
  const std::int64_t half_begin = progress(names::kHalfTopic);
  if (!read_ops()) return;

  std::int64_t at = half_begin;
  while (!stopping_ && clock_.now_ms() - pass_begin_ms <= kPassMaxMs) {
    const auto entry = store_.queue_entry(names::kHalfTopic, kHalfQueue, at);
    if (!entry) break;
    if (!entry->blank && !is_finished(at)) {
      const auto half = load_listed(store_, {std::string(names::kHalfTopic), kHalfQueue}, at, *entry);
      if (half ? step(at, half->view, pass_begin_ms) == Step::wait : comes_back(names::kHalfTopic, at)) break;
    }
    ++at;
  }

  if (at != half_begin) ports_.commit_progress(names::kHalfTopic, at);
  advance_ops(at);
  finished_.forget_below(immune_.empty() ? at : std::min(at, *immune_.begin()));
}

std::int64_t HalfChecker::progress(std::string_view topic) const {
  return std::max(ports_.query_progress(topic), store_.min_offset(topic, kHalfQueue));
}

/// Whether to wait for a record that could not be had.
bool HalfChecker::comes_back(std::string_view topic, std::int64_t queue_offset) {
  if (store_.may_be_mended(topic, kHalfQueue, queue_offset)) return true;
  log::error("message {} of {} is not in the log: transactions are checked without it", queue_offset, topic);
  return false;
}

/// False where one may still come back: what it says is finished must not be asked for.
bool HalfChecker::read_ops() {
  if (next_op_ < 0) next_op_ = progress(names::kOpTopic);
  next_op_ = std::max(next_op_, store_.min_offset(names::kOpTopic, kHalfQueue));
  while (ops_.size() < kOpsMax) {
    const auto entry = store_.queue_entry(names::kOpTopic, kHalfQueue, next_op_);
    if (!entry) return true;
    if (entry->blank) {
      ++next_op_;
      continue;
    }
    Op op{.queue_offset = next_op_, .half_offsets = {}};
    const auto record = load_listed(store_, {std::string(names::kOpTopic), kHalfQueue}, op.queue_offset, *entry);
    if (!record && comes_back(names::kOpTopic, op.queue_offset)) return false;
    ++next_op_;
    if (record) op.half_offsets = parse_op_body(record->view.body);
    done_.insert(op.half_offsets.begin(), op.half_offsets.end());
    ops_.push_back(std::move(op));
  }
  return true;
}

bool HalfChecker::is_finished(std::int64_t half_offset) const { return done_.contains(half_offset) || finished_.contains(half_offset); }

HalfChecker::Step HalfChecker::step(std::int64_t half_offset, const MessageView& half, std::int64_t pass_begin_ms) {
  if (half.store_timestamp >= pass_begin_ms) return Step::wait;  // Stored by this pass, or too young anyway.

  const std::int64_t first_offset = integer_property(half, property::kPreparedQueueOffset, -1);
  if (first_offset >= 0 && is_finished(first_offset)) {
    immune_.erase(first_offset);
    return Step::passed;
  }
  const std::int64_t age = age_ms(half, clock_.now_ms());
  const std::int64_t checks = integer_property(half, property::kTransactionCheckTimes, 0);
  if (checks >= options_.count_max || age > options_.reserved_ms) return give_up(half);

  const bool wants_immunity = half.property(property::kCheckImmunity).has_value();
  if (age < immunity_ms(half, options_.timeout_ms)) {
    return wants_immunity ? renew_immune(half_offset, half) : Step::wait;  // Others must not wait for an immune one.
  }
  if (first_offset >= 0) immune_.erase(first_offset);
  return ask(half, checks + 1);
}

HalfChecker::Step HalfChecker::renew_immune(std::int64_t half_offset, const MessageView& half) {
  const std::int64_t first_offset = integer_property(half, property::kPreparedQueueOffset, half_offset);
  OwnedMessage renewed;
  renewed_half_message(half, property::kPreparedQueueOffset, std::to_string(first_offset), options_.store_host, renewed);
  if (!store_.put_sync(renewed.put).stored()) return Step::wait;
  immune_.insert(first_offset);
  return Step::passed;
}

HalfChecker::Step HalfChecker::ask(const MessageView& half, std::int64_t count) {
  OwnedMessage renewed;
  renewed_half_message(half, property::kTransactionCheckTimes, std::to_string(count), options_.store_host, renewed);
  const PutResult put = store_.put_sync(renewed.put);
  if (!put.stored()) return Step::wait;

  const auto group = half.property(property::kProducerGroup);
  auto record = checked_record(half, put.queue_offset, put.physical_offset);
  if (!group || !record) {
    log::warn("half message {} at {} cannot be checked: no group or no real topic", half.queue_offset, half.physical_offset);
    return Step::passed;
  }
  CheckTransactionStateRequestHeader header;
  header.topic = std::string(half.property(property::kRealTopic).value_or(std::string_view{}));
  header.half_queue_offset = put.queue_offset;
  header.half_physical_offset = put.physical_offset;
  header.message_id = std::string(half.property(property::kUniqueKey).value_or(std::string_view{}));
  header.transaction_id = header.message_id;
  header.offset_message_id = make_offset_message_id(options_.store_host, put.physical_offset);
  header.broker_name = options_.broker_name;
  const bool sent = ports_.send_check(*group, make_request(to_int(RequestCode::check_transaction_state), header, Body(std::move(*record))));
  if (!sent) log::info("half message {}: no live producer of group {} to ask", put.queue_offset, *group);
  return Step::passed;
}

HalfChecker::Step HalfChecker::give_up(const MessageView& half) {
  ports_.need_given_up_topic();
  OwnedMessage given_up;
  copy_message(half, given_up);
  given_up.topic = names::kCheckMaxTimeTopic;
  given_up.put.fields.queue_id = 0;
  given_up.bind();
  if (!store_.put_sync(given_up.put).stored()) return Step::wait;
  log::warn("half message {} at {} is given up and moved to {}", half.queue_offset, half.physical_offset, names::kCheckMaxTimeTopic);
  return Step::passed;
}

void HalfChecker::advance_ops(std::int64_t half_progress) {
  const auto is_passed = [&](std::int64_t offset) { return offset < half_progress && !immune_.contains(offset); };
  const auto still_needed = std::find_if_not(
      ops_.begin(), ops_.end(), [&](const Op& op) { return std::all_of(op.half_offsets.begin(), op.half_offsets.end(), is_passed); });
  const std::int64_t op_progress = still_needed == ops_.end() ? next_op_ : still_needed->queue_offset;
  ops_.erase(ops_.begin(), still_needed);
  done_.clear();
  for (const Op& op : ops_) done_.insert(op.half_offsets.begin(), op.half_offsets.end());
  if (op_progress != ports_.query_progress(names::kOpTopic)) ports_.commit_progress(names::kOpTopic, op_progress);
}

}  // namespace skylark::broker
