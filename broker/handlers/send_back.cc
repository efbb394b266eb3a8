// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/send_back.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "broker/broker_stats.h"
#include "broker/handlers/answers.h"
#include "broker/message_store.h"
#include "broker/owned_message.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "broker/topic_names.h"

namespace skylark::broker {
namespace {

constexpr std::int16_t kVersion3_4_9 = 121;    // From here on clients say how often they want to retry.
constexpr std::int32_t kUnitSubscription = 2;  // TopicSysFlag: the topic has subscriptions of a unit.
constexpr std::int32_t kFirstRetryLevel = 3;   // 10 s with the default levels; one level more for each further try.

/// Java's name of a status that is no success, which is the remark.
std::string_view java_name(PutStatus status) {
  switch (status) {
    case PutStatus::ok: return "PUT_OK";
    case PutStatus::flush_disk_timeout: return "FLUSH_DISK_TIMEOUT";
    case PutStatus::flush_slave_timeout: return "FLUSH_SLAVE_TIMEOUT";
    case PutStatus::slave_not_available: return "SLAVE_NOT_AVAILABLE";
    case PutStatus::service_not_available: return "SERVICE_NOT_AVAILABLE";
    case PutStatus::message_illegal: return "MESSAGE_ILLEGAL";
    case PutStatus::page_cache_busy:
    case PutStatus::append_timeout: return "OS_PAGE_CACHE_BUSY";
    case PutStatus::create_file_failed: return "CREATE_MAPPED_FILE_FAILED";
    case PutStatus::unknown_error: return "UNKNOWN_ERROR";
  }
  return "UNKNOWN_ERROR";
}

/// A producer chooses this number: far above any limit it is cut, so that counting on is safe.
std::int32_t bounded(std::int32_t reconsume_times) { return std::min(reconsume_times, 1'000'000'000); }

/// Spreads messages over the retry queues of a group; even is as good as random.
std::int32_t next_queue(std::int32_t queues) {
  static std::atomic<std::uint32_t> turn{0};
  return static_cast<std::int32_t>(turn.fetch_add(1, std::memory_order_relaxed) % static_cast<std::uint32_t>(queues));
}

}  // namespace

remoting::Reply SendBackHandler::handle(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<ConsumerSendMsgBackRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<ConsumerSendMsgBackRequestHeader>(request));
  if (options_.replica) return answer(request, ResponseCode::system_error, fmt::format("no master available along with {}", options_.ip));
  const auto group = groups_.find(header->group);
  if (!group) {
    return answer(request, ResponseCode::subscription_group_not_exist,
                  fmt::format("subscription group not exist, {} {}", header->group, kFaqLine));
  }
  if (!permission::writable(permission_.get())) {
    return answer(request, ResponseCode::no_permission, fmt::format("the broker[{}] sending message is forbidden", options_.ip));
  }
  if (group->retry_queues <= 0) return answer(request, ResponseCode::success);

  constexpr std::int32_t kReadWrite = permission::kRead | permission::kWrite;
  Target target{.topic = retry_topic(header->group), .queue_id = next_queue(group->retry_queues)};
  const auto topic =
      topics_.create_if_absent(target.topic, group->retry_queues, kReadWrite, false, header->unit_mode ? kUnitSubscription : 0);
  if (!topic) return answer(request, ResponseCode::system_error, fmt::format("topic[{}] not exist", target.topic));
  if (!permission::writable(topic->perm)) {
    return answer(request, ResponseCode::no_permission, fmt::format("the topic[{}] sending message is forbidden", target.topic));
  }
  const auto record = load_record(store_, header->physical_offset);
  if (!record) {
    return answer(request, ResponseCode::system_error, fmt::format("look message by offset failed, {}", header->physical_offset));
  }

  std::int32_t times_max = group->retry_times_max;
  if (request.version >= kVersion3_4_9 && header->max_reconsume_times) times_max = *header->max_reconsume_times;
  target.dead = record->view.reconsume_times >= times_max || header->delay_level < 0;
  if (target.dead) {
    target.topic = dlq_topic(header->group);
    target.queue_id = 0;
    if (!topics_.create_if_absent(target.topic, 1, kReadWrite)) {
      return answer(request, ResponseCode::system_error, fmt::format("topic[{}] not exist", target.topic));
    }
  } else {
    target.delay_level = header->delay_level > 0 ? header->delay_level : kFirstRetryLevel + bounded(record->view.reconsume_times);
  }
  put_back(record->view, target, header->group, remoting::Responder(connection, request));
  return remoting::Reply::deferred();
}

void SendBackHandler::put_back(const MessageView& message, const Target& target, const std::string& group, remoting::Responder responder) {
  OwnedMessage copy;
  copy_message(message, copy);
  if (!message.property(property::kRetryTopic)) append_property(copy.properties, property::kRetryTopic, message.topic);
  if (!message.property(property::kOriginMessageId)) {
    append_property(copy.properties, property::kOriginMessageId, make_offset_message_id(message.store_host, message.physical_offset));
  }
  set_property(copy.properties, property::kDelay, std::to_string(target.delay_level));
  set_property(copy.properties, property::kWait, "false");
  const std::string origin(message.property(property::kRetryTopic).value_or(message.topic));
  copy.topic = target.topic;
  copy.bind();
  copy.put.fields.queue_id = target.queue_id;
  copy.put.fields.store_host = options_.store_host;
  copy.put.fields.reconsume_times = bounded(message.reconsume_times) + 1;

  OwnedParts parts;
  hooks_.apply_delay(copy.put, parts);
  store_.put(copy.put, [this, responder, group, origin, dead = target.dead](const PutResult& put) {
    if (!put.stored()) return responder.respond(late_answer(ResponseCode::system_error, std::string(java_name(put.status))));
    stats_.add_send_back(group, origin);
    if (dead) stats_.add("DLQ_PUT_NUMS", origin + "@" + group, 1);
    responder.respond(late_answer(ResponseCode::success, {}));
  });
}

}  // namespace skylark::broker
