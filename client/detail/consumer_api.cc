// SPDX-License-Identifier: Apache-2.0
#include "client/detail/consumer_api.h"

#include <utility>

#include "client/detail/allocate.h"
#include "client/detail/records.h"
#include "client/detail/wire_queue.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/locks.h"
#include "protocol/bodies/tables.h"
#include "protocol/client_headers.h"
#include "protocol/message.h"
#include "protocol/offset_headers.h"
#include "protocol/pull_headers.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "protocol/send_headers.h"

namespace skylark::client {

namespace {

std::optional<PullStatus> status_of(std::int32_t code) {
  switch (static_cast<ResponseCode>(code)) {
    case ResponseCode::success: return PullStatus::found;
    case ResponseCode::pull_not_found: return PullStatus::no_new_message;
    case ResponseCode::pull_retry_immediately: return PullStatus::no_matched_message;
    case ResponseCode::pull_offset_moved: return PullStatus::offset_illegal;
    default: return std::nullopt;  // A refusal.
  }
}

RemotingCommand make_pull_request(const PullQuestion& question) {
  PullMessageRequestHeader header;
  header.consumer_group = question.group;
  header.topic = question.queue.topic;
  header.queue_id = question.queue.queue_id;
  header.queue_offset = question.offset;
  header.message_count_max = question.count_max;
  header.sys_flag = pull_flag::kSubscription;  // The expression travels along, so a broker that lost our heartbeat still serves us.
  if (question.commit_offset) header.sys_flag |= pull_flag::kCommitOffset;
  if (question.hold.count() > 0) header.sys_flag |= pull_flag::kSuspend;
  header.commit_offset = question.commit_offset.value_or(0);
  header.suspend_timeout_ms = question.hold.count();
  header.subscription = question.subscription.expression;
  header.sub_version = question.subscription.version;
  header.expression_type = question.subscription.expression_type;
  header.broker_name = question.queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::pull_message), header);
  request.ext.own();  // The channel may hold it longer than the question lives.
  return request;
}

Outcome<PullAnswer> read_answer(const RemotingCommand& response, const PullQuestion& question) {
  const auto status = status_of(response.code);
  if (!status) return Failure::refused(response.code, response.remark);
  const auto header = decode_header<PullMessageResponseHeader>(response);
  if (!header) return Failure(header.error(), "the answer to a pull lacks a field");
  PullAnswer answer;
  answer.status = *status;
  answer.next_begin_offset = header->next_begin_offset;
  answer.min_offset = header->min_offset;
  answer.max_offset = header->max_offset;
  answer.suggested_broker_id = header->suggested_broker_id;
  if (*status != PullStatus::found) return answer;
  auto messages = decode_messages(response.body.view(), question.queue.broker_name);
  if (!messages) return Failure(messages.error(), "messages of " + question.queue.to_string() + " cannot be read");
  answer.messages = std::move(*messages);
  take_apart(answer.messages);
  const SubscriptionData& wanted = question.subscription;
  if (wanted.is_tag_type() && !wanted.tags.empty()) {  // The broker compares hash codes alone.
    std::erase_if(answer.messages, [&](const ReceivedMessage& message) { return !wanted.tags.contains(message.tag()); });
  }
  for (ReceivedMessage& message : answer.messages) {
    message.properties.insert_or_assign(std::string(property::kMinOffset), std::to_string(answer.min_offset));
    message.properties.insert_or_assign(std::string(property::kMaxOffset), std::to_string(answer.max_offset));
  }
  return answer;
}

Outcome<std::int64_t> read_offset(const Outcome<RemotingCommand>& response) {
  if (!response) return response.error();
  const auto header = decode_header<OffsetResponseHeader>(*response);
  if (!header) return Failure(header.error(), "the answer lacks the offset");
  return header->offset;
}

std::string lock_body(const Instance& instance, const std::string& group, const std::vector<MessageQueue>& queues) {
  LockBatchRequestBody body;
  body.client_id = instance.client_id();
  body.consumer_group = group;
  for (const MessageQueue& queue : queues) body.queues.push_back(to_wire(queue));
  return encode_body(body);
}

Task<Outcome<std::vector<std::string>>> member_ids(Instance& instance, std::string group, RoutePtr route) {
  Failure last(Errc::not_found, "no broker is known for group " + group);
  for (const BrokerData& broker : route->broker_datas) {
    const auto address = instance.address(broker.broker_name, 0, true);
    if (!address) continue;
    GetConsumerListByGroupRequestHeader header;
    header.consumer_group = group;
    RemotingCommand request = make_request(to_int(RequestCode::get_consumer_list_by_group), header);
    Outcome<RemotingCommand> answer = co_await instance.call_address(*address, std::move(request), instance.options().request_timeout);
    if (!answer) {
      last = answer.error();
      continue;
    }
    auto list = decode_body<ConsumerIdList>(answer->body.view());
    if (list) co_return std::move(list->consumer_ids);
  }
  co_return last;
}

}  // namespace

Task<Outcome<PullAnswer>> pull(Instance& instance, PullQuestion question) {
  const auto address = instance.address(question.queue.broker_name, question.broker_id, true);
  if (!address) co_return Failure(Errc::not_found, "broker " + question.queue.broker_name + " is not known");
  Outcome<RemotingCommand> answer = co_await instance.core().call(*address, make_pull_request(question), question.timeout);
  if (!answer) co_return answer.error();
  co_return read_answer(*answer, question);
}

Task<Outcome<std::optional<std::int64_t>>> committed_offset(Instance& instance, std::string group, MessageQueue queue) {
  QueryConsumerOffsetRequestHeader header;
  header.consumer_group = group;
  header.topic = queue.topic;
  header.queue_id = queue.queue_id;
  header.broker_name = queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::query_consumer_offset), header);
  Outcome<RemotingCommand> answer = co_await instance.call_broker(queue.broker_name, std::move(request));
  if (!answer && answer.error().response_code() == to_int(ResponseCode::query_not_found)) co_return std::optional<std::int64_t>();
  const Outcome<std::int64_t> offset = read_offset(answer);
  if (!offset) co_return offset.error();
  co_return std::optional<std::int64_t>(*offset);
}

Task<Outcome<>> commit_offset(Instance& instance, std::string group, MessageQueue queue, std::int64_t offset) {
  UpdateConsumerOffsetRequestHeader header;
  header.consumer_group = group;
  header.topic = queue.topic;
  header.queue_id = queue.queue_id;
  header.commit_offset = offset;
  header.broker_name = queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::update_consumer_offset), header);
  Outcome<RemotingCommand> answer = co_await instance.call_broker(queue.broker_name, std::move(request));
  if (!answer) co_return answer.error();
  co_return Outcome<>();
}

Task<Outcome<std::int64_t>> min_offset(Instance& instance, MessageQueue queue) {
  GetMinOffsetRequestHeader header;
  header.topic = queue.topic;
  header.queue_id = queue.queue_id;
  header.broker_name = queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::get_min_offset), header);
  Outcome<RemotingCommand> answer = co_await instance.call_broker(queue.broker_name, std::move(request));
  co_return read_offset(answer);
}

Task<Outcome<std::int64_t>> max_offset(Instance& instance, MessageQueue queue) {
  GetMaxOffsetRequestHeader header;
  header.topic = queue.topic;
  header.queue_id = queue.queue_id;
  header.broker_name = queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::get_max_offset), header);
  Outcome<RemotingCommand> answer = co_await instance.call_broker(queue.broker_name, std::move(request));
  co_return read_offset(answer);
}

Task<Outcome<std::int64_t>> offset_by_time(Instance& instance, MessageQueue queue, std::int64_t timestamp_ms) {
  SearchOffsetRequestHeader header;
  header.topic = queue.topic;
  header.queue_id = queue.queue_id;
  header.timestamp = timestamp_ms;
  header.broker_name = queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::search_offset_by_timestamp), header);
  Outcome<RemotingCommand> answer = co_await instance.call_broker(queue.broker_name, std::move(request));
  co_return read_offset(answer);
}

Task<Outcome<std::vector<MessageQueue>>> share_of(Instance& instance, std::string group, MessageModel model, std::string topic) {
  Outcome<RoutePtr> route = co_await instance.route(topic);
  if (!route) co_return route.error();
  std::vector<MessageQueue> queues = subscribe_queues(**route, topic);
  if (model == MessageModel::broadcasting) co_return queues;
  Outcome<std::vector<std::string>> members = co_await member_ids(instance, group, *route);
  if (!members) co_return members.error();
  co_return allocate_averagely(instance.client_id(), std::move(queues), std::move(*members));
}

Task<Outcome<std::int64_t>> first_position(Instance& instance, std::string group, MessageQueue queue, std::optional<std::int64_t> known,
                                           StartFrom start_from, std::int64_t timestamp_ms) {
  if (known) co_return *known;
  const bool is_retry = queue.topic == retry_topic(group);
  if (start_from == StartFrom::first_offset || (is_retry && start_from == StartFrom::last_offset)) co_return std::int64_t{0};
  if (start_from == StartFrom::timestamp && !is_retry) {
    Outcome<std::int64_t> offset = co_await offset_by_time(instance, queue, timestamp_ms);
    co_return offset;
  }
  Outcome<std::int64_t> offset = co_await max_offset(instance, queue);
  co_return offset;
}

Task<Outcome<std::vector<MessageQueue>>> lock_queues(Instance& instance, std::string group, std::string broker_name,
                                                     std::vector<MessageQueue> queues) {
  RemotingCommand request;
  request.code = to_int(RequestCode::lock_batch_mq);
  request.body = Body(lock_body(instance, group, queues));
  Outcome<RemotingCommand> answer = co_await instance.call_broker(broker_name, std::move(request));
  if (!answer) co_return answer.error();
  const auto body = decode_body<LockBatchResponseBody>(answer->body.view());
  if (!body) co_return Failure(body.error(), "the answer to a lock cannot be read");
  std::vector<MessageQueue> held;
  for (const skylark::MessageQueue& queue : body->locked) held.push_back(from_wire(queue));
  co_return held;
}

void unlock_queues(Instance& instance, const std::string& group, const std::string& broker_name, const std::vector<MessageQueue>& queues) {
  const auto address = instance.address(broker_name);
  if (!address) return;
  RemotingCommand request;
  request.code = to_int(RequestCode::unlock_batch_mq);
  request.body = Body(lock_body(instance, group, queues));
  instance.core().call_one_way(*address, std::move(request));
}

Task<Outcome<>> send_back(Instance& instance, std::string group, const ReceivedMessage& message, std::int32_t delay_level,
                          std::int32_t reconsume_times_max) {
  ConsumerSendMsgBackRequestHeader header;
  header.physical_offset = message.physical_offset;
  header.group = group;
  header.delay_level = delay_level;
  header.origin_message_id = message.message_id;
  header.origin_topic = message.queue.topic;
  header.max_reconsume_times = reconsume_times_max;
  header.broker_name = message.queue.broker_name;
  RemotingCommand request = make_request(to_int(RequestCode::consumer_send_msg_back), header);
  Outcome<RemotingCommand> answer = co_await instance.call_broker(message.queue.broker_name, std::move(request));
  if (!answer) co_return answer.error();
  co_return Outcome<>();
}

}  // namespace skylark::client
