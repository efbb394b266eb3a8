// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/consumer_admin_forward.h"

#include <chrono>

#include <fmt/format.h>

#include "base/error.h"
#include "broker/consumer_manager.h"
#include "broker/handlers/answers.h"
#include "broker/message_store.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "protocol/admin_headers.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

constexpr std::int32_t kVersion3_1_8 = 62;  // Older clients know neither 307 nor 309.
constexpr std::chrono::milliseconds kForwardTimeout{10'000};

/// A request of our own with the named fields of the tool's.
RemotingCommand copy_of(const RemotingCommand& request) {
  RemotingCommand copy;
  copy.code = request.code;
  for (const ExtFields::Entry& entry : request.ext) {
    if (const auto text = request.ext.text(entry.name)) copy.ext.add(entry.name, *text);
  }
  return copy;
}

RemotingCommand failure(const std::string& group, const std::string& client_id, const ErrorCode& error) {
  if (error == Errc::timed_out) {
    return late_answer(ResponseCode::consume_msg_timeout, fmt::format("consumer <{}> <{}> Timeout: {}", group, client_id, error.message()));
  }
  return late_answer(ResponseCode::system_error, fmt::format("invoke consumer <{}> <{}> Exception: {}", group, client_id, error.message()));
}

}  // namespace

remoting::Reply ConsumerForward::running_info(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<GetConsumerRunningInfoRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetConsumerRunningInfoRequestHeader>(request));
  return forward(request, connection, copy_of(request), header->consumer_group, header->client_id);
}

remoting::Reply ConsumerForward::consume_directly(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<ConsumeMessageDirectlyRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<ConsumeMessageDirectlyRequestHeader>(request));
  const auto id = parse_offset_message_id(header->message_id.value_or(""));
  const auto record = id ? store_.record_at(id->physical_offset) : std::nullopt;
  if (!record) return answer(request, ResponseCode::system_error, fmt::format("no message of id {}", header->message_id.value_or("")));

  RemotingCommand forwarded = copy_of(request);
  forwarded.ext.add("brokerName", broker_name_);
  const auto topic = header->topic ? topics_.find(*header->topic) : nullptr;
  if (topic) forwarded.ext.add("topicSysFlag", std::to_string(topic->sys_flag));
  const auto group = groups_.find_existing(header->consumer_group);
  if (group) forwarded.ext.add("groupSysFlag", std::to_string(group->sys_flag));
  forwarded.body = Body(std::string(record->bytes));
  return forward(request, connection, std::move(forwarded), header->consumer_group, header->client_id.value_or(""));
}

remoting::Reply ConsumerForward::forward(const RemotingCommand& request, const remoting::ConnectionPtr& connection,
                                         RemotingCommand forwarded, const std::string& group, const std::string& client_id) {
  const auto client = consumers_.find_client(group, client_id);
  if (!client) return answer(request, ResponseCode::system_error, fmt::format("The Consumer <{}> <{}> not online", group, client_id));
  if (client->version < kVersion3_1_8) {
    return answer(
        request, ResponseCode::system_error,
        fmt::format("The Consumer <{}> Version <{}> too low to finish, please upgrade it to V3_1_8_SNAPSHOT", client_id, client->version));
  }
  client->connection->invoke(std::move(forwarded), kForwardTimeout,
                             [responder = remoting::Responder(connection, request), group, client_id](Result<RemotingCommand> response) {
                               if (!response) return responder.respond(failure(group, client_id, response.error()));
                               response->own();
                               responder.respond(std::move(*response));
                             });
  return remoting::Reply::deferred();
}

}  // namespace skylark::broker
