// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/reset_offset.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/handlers/answers.h"
#include "broker/message_store.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

constexpr std::int32_t kVersion3_0_7 = 28;  // Older clients know neither 220 nor 221.
constexpr std::chrono::milliseconds kStatusTimeout{5'000};

const ClientChannel* too_old(const std::vector<ClientChannel>& clients) {
  const auto found =
      std::find_if(clients.begin(), clients.end(), [](const ClientChannel& client) { return client.version < kVersion3_0_7; });
  return found == clients.end() ? nullptr : &*found;
}

RemotingCommand refuse_old(const RemotingCommand& request, const ClientChannel& client) {
  return answer(request, ResponseCode::system_error, fmt::format("the client does not support this feature. version={}", client.version));
}

/// Gathers the answers of several clients and sends one when the last is in. A client that does not answer is left out.
class StatusGathering {
 public:
  StatusGathering(remoting::Responder responder, std::size_t clients) : responder_(std::move(responder)), missing_(clients) {}

  void take(const std::string& client_id, const Result<RemotingCommand>& response) {
    const std::lock_guard lock(mutex_);
    if (response && response->code == to_int(ResponseCode::success)) {
      const auto body = decode_body<GetConsumerStatusBody>(response->body.view());
      if (body) gathered_.consumer_table[client_id] = body->message_queue_table;
    }
    if (--missing_ > 0) return;
    RemotingCommand answered = late_answer(ResponseCode::success, {});
    answered.body = Body(encode_body(gathered_));
    responder_.respond(std::move(answered));
  }

 private:
  const remoting::Responder responder_;
  std::mutex mutex_;
  std::size_t missing_;
  GetConsumerStatusBody gathered_;
};

}  // namespace

remoting::Reply ResetOffsetHandler::reset(RemotingCommand& request) {
  const auto header = decode_header<ResetOffsetRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<ResetOffsetRequestHeader>(request));
  return server_side_.get() ? reset_here(request, *header) : reset_in_clients(request, *header);
}

RemotingCommand ResetOffsetHandler::reset_here(const RemotingCommand& request, const ResetOffsetRequestHeader& header) {
  if (options_.replica) return answer(request, ResponseCode::system_error, "Can not reset offset in slave broker");
  const auto topic = topics_.find(header.topic);
  if (!topic) return answer(request, ResponseCode::topic_not_exist, fmt::format("Topic {} does not exist", header.topic));
  if (!groups_.contains(header.group)) {
    return answer(request, ResponseCode::subscription_group_not_exist, fmt::format("Group {} does not exist", header.group));
  }

  OffsetsByQueue targets;
  if (header.queue_id >= 0 && header.offset.value_or(-1) != -1) {
    const std::int64_t begin = store_.min_offset(header.topic, header.queue_id);
    const std::int64_t end = store_.max_offset(header.topic, header.queue_id);
    if (*header.offset < begin || *header.offset > end + 1) {
      return answer(request, ResponseCode::system_error,
                    fmt::format("Target offset {} not in consume queue range [{}-{}]", *header.offset, begin, end));
    }
    targets[header.queue_id] = *header.offset;
  } else if (header.queue_id >= 0) {
    targets[header.queue_id] = offset_at(header.topic, header.queue_id, header.timestamp);
  } else {
    for (std::int32_t queue_id = 0; queue_id < topic->read_queues; ++queue_id)
      targets[queue_id] = offset_at(header.topic, queue_id, header.timestamp);
  }

  ResetOffsetBody body;
  for (const auto& [queue_id, offset] : targets) {
    offsets_.assign_reset(header.group, header.topic, queue_id, offset);
    if (options_.wake_pulls) options_.wake_pulls(header.topic, queue_id);
    body.offsets[MessageQueue{header.topic, options_.broker_name, queue_id}] = offset;
    log::info("reset offset: group {}, topic {}, queue {} goes to {}", header.group, header.topic, queue_id, offset);
  }
  return answer_body(request, body);
}

RemotingCommand ResetOffsetHandler::reset_in_clients(const RemotingCommand& request, const ResetOffsetRequestHeader& header) {
  const auto topic = topics_.find(header.topic);
  if (!topic) {
    return answer(request, ResponseCode::system_error,
                  fmt::format("[reset-offset] reset offset failed, no topic in this broker. topic={}", header.topic));
  }
  ResetOffsetBody body;
  for (std::int32_t queue_id = 0; queue_id < topic->write_queues; ++queue_id) {
    const std::int64_t consumed = offsets_.query(header.group, header.topic, queue_id);
    if (consumed == -1) return answer(request, ResponseCode::system_error, fmt::format("THe consumer group <{}> not exist", header.group));
    const std::int64_t target = std::max<std::int64_t>(0, offset_at(header.topic, queue_id, header.timestamp));
    body.offsets[MessageQueue{header.topic, options_.broker_name, queue_id}] = header.force ? target : std::min(target, consumed);
  }

  const auto group = consumers_.find(header.group);
  if (!group || group->clients.empty()) {
    return answer(request, ResponseCode::consumer_not_online,
                  fmt::format("Consumer not online, so can not reset offset, Group: {} Topic: {} Timestamp: {}", header.group, header.topic,
                              header.timestamp));
  }
  if (const ClientChannel* client = too_old(group->clients)) return refuse_old(request, *client);
  const std::string text = request.language == Language::cpp ? json::write(body.to_json_for_cpp()) : encode_body(body);
  for (const ClientChannel& client : group->clients) {
    ResetOffsetRequestHeader told;
    told.topic = header.topic;
    told.group = header.group;
    told.timestamp = header.timestamp;
    client.connection->invoke_one_way(make_request(to_int(RequestCode::reset_consumer_client_offset), told, Body(text)));
  }
  return answer_body(request, body);
}

std::int64_t ResetOffsetHandler::offset_at(const std::string& topic, std::int32_t queue_id, std::int64_t timestamp_ms) {
  if (timestamp_ms < 0) return store_.max_offset(topic, queue_id);
  return store_.offset_by_time(topic, queue_id, timestamp_ms, false);
}

remoting::Reply ResetOffsetHandler::consumer_status(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<GetConsumerStatusRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<GetConsumerStatusRequestHeader>(request));

  const auto group = consumers_.find(header->group);
  if (!group || group->clients.empty()) {
    return answer(request, ResponseCode::system_error, fmt::format("No Any Consumer online in the consumer group: [{}]", header->group));
  }
  std::vector<ClientChannel> asked;
  const std::string wanted = header->client_id.value_or("");
  std::copy_if(group->clients.begin(), group->clients.end(), std::back_inserter(asked),
               [&](const ClientChannel& client) { return wanted.empty() || client.client_id == wanted; });
  if (const ClientChannel* client = too_old(asked)) return refuse_old(request, *client);
  if (asked.empty()) return answer_body(request, GetConsumerStatusBody{});

  const auto gathering = std::make_shared<StatusGathering>(remoting::Responder(connection, request), asked.size());
  for (const ClientChannel& client : asked) {
    GetConsumerStatusRequestHeader ask;
    ask.topic = header->topic;
    ask.group = header->group;
    client.connection->invoke(
        make_request(to_int(RequestCode::get_consumer_status_from_client), ask), kStatusTimeout,
        [gathering, id = client.client_id](const Result<RemotingCommand>& response) { gathering->take(id, response); });
  }
  return remoting::Reply::deferred();
}

}  // namespace skylark::broker
