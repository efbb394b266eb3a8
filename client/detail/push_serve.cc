// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/log.h"
#include "client/detail/identity.h"
#include "client/detail/push_core.h"
#include "client/detail/records.h"
#include "client/detail/wire_queue.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/consumer_bodies.h"
#include "protocol/bodies/offsets.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"

namespace skylark::client {

namespace {

RemotingCommand with_body(const RemotingCommand& request, std::string body) {
  RemotingCommand response = make_response(request, to_int(ResponseCode::success));
  response.body = Body(std::move(body));
  return response;
}

}  // namespace

remoting::Reply PushCore::serve(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  switch (static_cast<RequestCode>(request.code)) {
    case RequestCode::notify_consumer_ids_changed: rebalance_alarm_->ring(); return remoting::Reply::none();
    case RequestCode::reset_consumer_client_offset: on_reset_offset(request); return remoting::Reply::none();
    case RequestCode::get_consumer_status_from_client: return on_status(request);
    case RequestCode::get_consumer_running_info: return on_running_info(request);
    case RequestCode::consume_message_directly: return on_consume_directly(request, connection);
    default: return Role::serve(request, connection);  // The number is the broker's choice.
  }
}

void PushCore::on_reset_offset(const RemotingCommand& request) {
  const auto header = decode_header<ResetOffsetRequestHeader>(request);
  const auto body = decode_body<ResetOffsetBody>(request.body.to_string());
  if (!header || !body || header->group != options_.group) return;
  for (const auto& [queue, offset] : from_wire(body->offsets)) {
    const auto assigned = assigned_.find(queue);
    if (assigned != assigned_.end()) core().spawn(restart_at(assigned->second, offset));
  }
}

remoting::Reply PushCore::on_status(const RemotingCommand& request) {
  const auto header = decode_header<GetConsumerStatusRequestHeader>(request);
  if (!header) return make_response(request, to_int(ResponseCode::system_error), header.error().message());
  GetConsumerStatusBody body;
  for (const auto& [queue, offset] : offsets_.offsets()) {
    if (queue.topic == header->topic) body.message_queue_table[to_wire(queue)] = offset;
  }
  return with_body(request, encode_body(body));
}

remoting::Reply PushCore::on_running_info(const RemotingCommand& request) {
  ConsumerRunningInfo info;
  info.properties["PROP_CONSUME_TYPE"] = "CONSUME_PASSIVELY";
  info.properties["PROP_CONSUMEORDERLY"] = ordered() ? "true" : "false";
  info.properties["PROP_CONSUMER_START_TIMESTAMP"] = std::to_string(start_timestamp_ms_);
  info.properties["PROP_CLIENT_VERSION"] = "V5_3_3";
  info.properties["PROP_NAMESERVER_ADDR"] = options_.client.name_servers;
  info.properties["PROP_THREADPOOL_CORE_SIZE"] = std::to_string(options_.worker_count);
  info.properties["messageModel"] = clustering() ? "CLUSTERING" : "BROADCASTING";
  info.properties["consumerGroup"] = options_.group;
  for (const auto& [topic, subscription] : subscriptions()) {
    info.subscriptions.push_back(subscription);
    info.status_by_topic[topic].failed_messages = failed_count_[topic];
  }
  for (const auto& [queue, assigned] : assigned_) {
    ProcessQueueInfo& row = info.queues[to_wire(queue)];
    const ProcessQueue& window = assigned->window;
    row.commit_offset = offsets_.find(queue).value_or(0);
    row.cached_message_count = static_cast<std::int32_t>(window.count());
    row.cached_message_size_mib = static_cast<std::int32_t>(window.size_bytes() >> 20);
    row.cached_message_min_offset = window.count() == 0 ? 0 : window.commit_offset();
    row.cached_message_max_offset = window.count() == 0 ? 0 : window.commit_offset() + window.span();
    row.locked = assigned->locked;
    row.last_pull_timestamp = assigned->last_pull_ms;
    row.last_consume_timestamp = assigned->last_consume_ms;
  }
  return with_body(request, encode_body(info));
}

remoting::Reply PushCore::on_consume_directly(const RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<ConsumeMessageDirectlyRequestHeader>(request);
  if (!header || header->consumer_group != options_.group) {
    return make_response(request, to_int(ResponseCode::system_error), "The Consumer Group <" + options_.group + "> not exist in this consumer");
  }
  auto messages = decode_messages(request.body.to_string(), header->broker_name.value_or(""));
  if (!messages || messages->empty()) return make_response(request, to_int(ResponseCode::system_error), "no message in the body");
  ReceivedMessage message = std::move(messages->front());
  restore_topic(message, options_.group);
  core().spawn(consume_directly(std::move(message), remoting::Responder(connection, request)));
  return remoting::Reply::deferred();
}

Task<void> PushCore::consume_directly(ReceivedMessage message, remoting::Responder responder) {
  ConsumeMessageDirectlyResult result;
  result.order = ordered();
  const std::int64_t begin_ms = now_ms();
  std::function<std::string()> job = [this, message]() -> std::string {
    const std::vector<ReceivedMessage> messages(1, message);
    if (ordered()) {
      OrderedContext context;
      context.queue = message.queue;
      return ordered_listener(messages, context) == OrderedResult::success ? "CR_SUCCESS" : "CR_LATER";
    }
    ConsumeContext context;
    context.queue = message.queue;
    return concurrent_listener(messages, context) == ConsumeResult::success ? "CR_SUCCESS" : "CR_LATER";
  };
  const std::optional<std::string> verdict = co_await run_on<std::string>(workers_, std::move(job));
  result.consume_result = verdict.value_or("CR_THROW_EXCEPTION");
  result.spent_ms = now_ms() - begin_ms;
  RemotingCommand response;
  response.flag = kFlagResponse;
  response.body = Body(encode_body(result));
  responder.respond(std::move(response));
}

}  // namespace skylark::client
