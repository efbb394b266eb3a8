// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/pull_message.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/filter/message_filters.h"
#include "broker/handlers/handlers.h"
#include "broker/topic_names.h"
#include "protocol/response_code.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

/// Values of forbiddenType. Source: ForbiddenType.java.
enum Forbidden : std::int32_t { kBrokerForbidden = 1, kGroupForbidden, kTopicForbidden, kBroadcastForbidden, kSubscriptionForbidden };

RemotingCommand forbidden(const RemotingCommand& request, Forbidden type, std::string remark) {
  RemotingCommand response = answer(request, ResponseCode::no_permission, std::move(remark));
  response.ext.add_integer("forbiddenType", type);
  return response;
}

ResponseCode code_of(GetStatus status, std::int64_t asked_offset) {
  switch (status) {
    case GetStatus::found: return ResponseCode::success;
    case GetStatus::message_was_removing:
    case GetStatus::no_matched_message: return ResponseCode::pull_retry_immediately;
    case GetStatus::no_matched_logic_queue:
    case GetStatus::no_message_in_queue: return asked_offset == 0 ? ResponseCode::pull_not_found : ResponseCode::pull_offset_moved;
    case GetStatus::offset_found_null:
    case GetStatus::offset_overflow_one: return ResponseCode::pull_not_found;
    case GetStatus::offset_overflow_badly:
    case GetStatus::offset_too_small:
    case GetStatus::offset_reset: return ResponseCode::pull_offset_moved;
    case GetStatus::read_failed: return ResponseCode::system_error;
  }
  return ResponseCode::system_error;
}

}  // namespace

/// What the checks have found.
struct PullMessageHandler::Checked {
  TopicConfigPtr topic;
  GroupConfigPtr group;
  MessageFilterPtr filter;  ///< Null: all messages.
};

/// A pull whose messages have to be read from disk.
struct PullMessageHandler::ColdPull {
  RemotingCommand request;  ///< Owned.
  remoting::ConnectionPtr connection;
  Checked checked;
  bool may_hold = false;
};

PullMessageHandler::PullMessageHandler(const BrokerConfig& config, PullParts parts)
    : config_(config), slave_(config.is_slave()), parts_(std::move(parts)) {}

remoting::Reply PullMessageHandler::handle(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  return process(request, connection, true);
}

void PullMessageHandler::resume(HeldPull pull) {
  if (!pull.connection->is_open()) return;
  remoting::Reply reply = process(pull.request, pull.connection, false);
  if (reply.has_response()) remoting::Responder(pull.connection, pull.request).respond(reply.take());
}

remoting::Reply PullMessageHandler::process(RemotingCommand& request, const remoting::ConnectionPtr& connection, bool may_hold) {
  if (slave_ && !config_.broker.slave_read.get()) {
    return answer(request, ResponseCode::system_busy, "[REJECTREQUEST]system busy, start flow control for a while");
  }
  const auto header = decode_header<PullMessageRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<PullMessageRequestHeader>(request));
  Checked checked;
  if (auto refused = check(request, *header, connection, checked)) return std::move(*refused);

  GetResult result = read(*header, checked, false);
  if (result.needs_disk) return read_cold(request, connection, std::move(checked), may_hold);
  return finish(request, *header, connection, checked, result, may_hold);
}

remoting::Reply PullMessageHandler::read_cold(RemotingCommand& request, const remoting::ConnectionPtr& connection, Checked checked,
                                              bool may_hold) {
  const auto pull = std::make_shared<ColdPull>();
  pull->request = std::move(request);
  pull->request.own();
  pull->connection = connection;
  pull->checked = std::move(checked);
  pull->may_hold = may_hold;
  if (parts_.cold_reads.submit([this, pull] { answer_cold(*pull); })) return remoting::Reply::deferred();
  request = std::move(pull->request);
  return answer(request, ResponseCode::system_busy, kOverloadRemark);
}

void PullMessageHandler::answer_cold(ColdPull& pull) {
  if (!pull.connection->is_open()) return;
  const auto header = decode_header<PullMessageRequestHeader>(pull.request);
  if (!header) return;  // It was read before: cannot be.
  GetResult result = read(*header, pull.checked, true);
  parts_.cold_reads.count(result.slices);
  remoting::Reply reply = finish(pull.request, *header, pull.connection, pull.checked, result, pull.may_hold);
  if (reply.has_response()) remoting::Responder(pull.connection, pull.request).respond(reply.take());
}

remoting::Reply PullMessageHandler::finish(RemotingCommand& request, const PullMessageRequestHeader& header,
                                           const remoting::ConnectionPtr& connection, const Checked& checked, GetResult& result,
                                           bool may_hold) {
  if (result.status == GetStatus::read_failed) {
    return answer(request, ResponseCode::system_error,
                  fmt::format("the message at offset {} of queue {} of {} cannot be read from disk", result.next_begin_offset,
                              header.queue_id, header.topic));
  }
  const bool commits = may_hold && (header.sys_flag & pull_flag::kCommitOffset) != 0;
  std::optional<std::int64_t> consumed;
  if (commits && result.status != GetStatus::offset_reset)
    consumed = header.commit_offset;  // Else it tells the offset from before the reset.
  parts_.offsets.commit_pull(header.consumer_group, header.topic, header.queue_id, result.next_begin_offset, consumed);

  RemotingCommand response = answer_result(request, header, checked, result);
  const bool waits = may_hold && (header.sys_flag & pull_flag::kSuspend) != 0 && response.code == to_int(ResponseCode::pull_not_found);
  if (waits && hold(request, header, connection, checked)) return remoting::Reply::deferred();
  return response;
}

std::optional<RemotingCommand> PullMessageHandler::check(const RemotingCommand& request, const PullMessageRequestHeader& header,
                                                         const remoting::ConnectionPtr& connection, Checked& checked) {
  if (!permission::readable(config_.broker.broker_permission.get())) {
    return forbidden(request, kBrokerForbidden, fmt::format("the broker[{}] pulling message is forbidden", config_.broker.ip1.get()));
  }
  if (request.code == to_int(RequestCode::lite_pull_message) && !config_.broker.lite_pull.get()) {
    return answer(request, ResponseCode::no_permission,
                  fmt::format("the broker[{}] for lite pull consumer is forbidden", config_.broker.ip1.get()));
  }
  checked.group = parts_.groups.find(header.consumer_group);
  if (!checked.group) {
    return answer(request, ResponseCode::subscription_group_not_exist,
                  fmt::format("subscription group [{}] does not exist, {}", header.consumer_group, kFaqLine));
  }
  if (!checked.group->consume_enable) {
    return forbidden(request, kGroupForbidden, fmt::format("subscription group no permission, {}", header.consumer_group));
  }
  checked.topic = parts_.topics.find(header.topic);
  if (!checked.topic) {
    return answer(request, ResponseCode::topic_not_exist,
                  fmt::format("topic[{}] not exist, apply first please! {}", header.topic, kFaqLine));
  }
  if (!permission::readable(checked.topic->perm)) {
    return forbidden(request, kTopicForbidden, fmt::format("the topic[{}] pulling message is forbidden", header.topic));
  }
  if (header.queue_id < 0 || header.queue_id >= checked.topic->read_queues) {
    return answer(request, ResponseCode::invalid_parameter,
                  fmt::format("queueId[{}] is illegal, topic:[{}] topicConfig.readQueueNums:[{}] consumer:[/{}]", header.queue_id,
                              header.topic, checked.topic->read_queues, connection->remote_address()));
  }
  return check_subscription(request, header, checked);
}

std::optional<RemotingCommand> PullMessageHandler::check_subscription(const RemotingCommand& request,
                                                                      const PullMessageRequestHeader& header, Checked& checked) {
  SubscriptionPtr subscription;
  if ((header.sys_flag & pull_flag::kSubscription) != 0) {
    auto parsed = SubscriptionData::parse(header.topic, header.subscription.value_or(""));
    if (header.expression_type && !header.expression_type->empty() && *header.expression_type != "TAG") {
      parsed = SubscriptionData{};
      parsed->topic = header.topic;
      parsed->expression = header.subscription.value_or("");
      parsed->expression_type = *header.expression_type;
    }
    if (!parsed) return answer(request, ResponseCode::subscription_parse_failed, "parse the consumer's subscription failed");
    parsed->version = header.sub_version;
    parts_.consumers.compensate(header.consumer_group, "CONSUME_PASSIVELY", "CLUSTERING", *parsed);
    if (parsed->is_tag_type() && parsed->matches_all()) return std::nullopt;  // As most pulls; nobody asks for the subscription again.
    subscription = std::make_shared<const SubscriptionData>(std::move(*parsed));
  } else {
    const PullSubscription known = parts_.consumers.look_up(header.consumer_group, header.topic);
    if (!known.online) {
      return answer(request, ResponseCode::subscription_not_exist, fmt::format("the consumer's group info not exist{}", kFaqLine));
    }
    if (!checked.group->consume_broadcast_enable && known.broadcast) {
      return forbidden(request, kBroadcastForbidden,
                       fmt::format("the consumer group[{}] can not consume by broadcast way", header.consumer_group));
    }
    if (parts_.groups.is_forbidden(header.consumer_group, header.topic, kForbidReadIndex)) {
      return forbidden(request, kSubscriptionForbidden,
                       fmt::format("the consumer group[{}] is forbidden for topic[{}]", header.consumer_group, header.topic));
    }
    if (!known.subscription) {
      return answer(request, ResponseCode::subscription_not_exist, fmt::format("the consumer's subscription not exist{}", kFaqLine));
    }
    if (known.subscription->version < header.sub_version) {
      return answer(request, ResponseCode::subscription_not_latest, "the consumer's subscription not latest");
    }
    subscription = known.subscription;
  }
  return choose_filter(request, header, subscription, checked);
}

std::optional<RemotingCommand> PullMessageHandler::choose_filter(const RemotingCommand& request, const PullMessageRequestHeader& header,
                                                                 const SubscriptionPtr& subscription, Checked& checked) {
  if (subscription->is_tag_type()) {
    if (!subscription->matches_all()) checked.filter = std::make_shared<TagMessageFilter>(subscription);
    return std::nullopt;
  }
  const bool of_request = (header.sys_flag & pull_flag::kSubscription) != 0;
  const bool served = config_.broker.property_filter.get() && subscription->expression_type == "SQL92";
  ConsumerFilterPtr filter;
  if (of_request && subscription->expression.empty()) {
    return answer(request, ResponseCode::subscription_parse_failed, "parse the consumer's subscription failed");
  }
  if (!of_request) {
    filter = parts_.filters.find(header.topic, header.consumer_group);
    if (!filter) {
      return answer(request, ResponseCode::filter_data_not_exist,
                    "The broker's consumer filter data is not exist!Your expression may be wrong!");
    }
    if (filter->client_version < header.sub_version) {
      return answer(request, ResponseCode::filter_data_not_latest, "the consumer's consumer filter data not latest");
    }
  }
  if (!served) {
    return answer(request, ResponseCode::system_error,
                  fmt::format("The broker does not support consumer to filter message by {}", subscription->expression_type));
  }
  if (of_request) {
    std::string error;
    auto once = std::make_shared<ConsumerFilter>();
    once->compiled = parts_.filters.compile(subscription->expression, error);
    if (!once->compiled) return answer(request, ResponseCode::subscription_parse_failed, "parse the consumer's subscription failed");
    filter = std::move(once);
  }
  if (config_.broker.filter_retry.get() && is_retry_topic(header.topic)) {
    checked.filter = std::make_shared<RetrySqlMessageFilter>(parts_.filters, std::string(header.topic.substr(names::kRetryPrefix.size())));
  } else {
    checked.filter = std::make_shared<SqlMessageFilter>(std::move(filter));
  }
  return std::nullopt;
}

GetResult PullMessageHandler::read(const PullMessageRequestHeader& header, const Checked& checked, bool may_wait) {
  if (const auto reset = parts_.offsets.take_reset(header.consumer_group, header.topic, header.queue_id)) {
    GetResult result;
    result.status = GetStatus::offset_reset;
    result.next_begin_offset = *reset;
    result.min_offset = parts_.store.min_offset(header.topic, header.queue_id);
    result.max_offset = parts_.store.max_offset(header.topic, header.queue_id);
    return result;
  }
  const GetRequest request{.topic = header.topic,
                           .queue_id = header.queue_id,
                           .queue_offset = header.queue_offset,
                           .message_count_max = header.message_count_max,
                           .filter = checked.filter.get(),
                           .may_wait = may_wait};
  return parts_.store.get(request);
}

RemotingCommand PullMessageHandler::answer_result(const RemotingCommand& request, const PullMessageRequestHeader& header,
                                                  const Checked& checked, GetResult& result) const {
  ResponseCode code = code_of(result.status, header.queue_offset);
  const bool slave_read = config_.broker.slave_read.get();
  std::int64_t suggested = 0;
  if (slave_read) suggested = result.suggest_slave ? checked.group->broker_when_slow : checked.group->broker_id;
  if (config_.is_slave()) {
    // A replica may be behind its master: it does not correct offsets, and sends readers back while there is a master.
    if (!config_.store.offset_check_in_slave.get() && code == ResponseCode::pull_offset_moved && result.status != GetStatus::offset_reset) {
      result.next_begin_offset = header.queue_offset;
      code = ResponseCode::pull_retry_immediately;
      suggested = checked.group->broker_id;
    }
    if (!result.suggest_slave && parts_.master_known()) {
      suggested = 0;
      if (code != ResponseCode::success) code = ResponseCode::pull_retry_immediately;
    } else if (code == ResponseCode::pull_retry_immediately && result.next_begin_offset == header.queue_offset) {
      code = ResponseCode::pull_not_found;  // Nobody else to ask: wait here rather than ask again and again.
    }
  }
  RemotingCommand response = answer(request, code, std::string(to_string(result.status)));
  encode_header(PullMessageResponseHeader{.suggested_broker_id = suggested,
                                          .next_begin_offset = result.next_begin_offset,
                                          .min_offset = result.min_offset,
                                          .max_offset = result.max_offset,
                                          .topic_sys_flag = checked.topic->sys_flag,
                                          .group_sys_flag = checked.group->sys_flag,
                                          .forbidden_type = std::nullopt},
                response);
  if (code == ResponseCode::success) {
    parts_.stats.add_get(header.consumer_group, header.topic, header.queue_id, result.message_count, result.size_bytes);
    response.body = Body(std::move(result.slices));
  } else {
    parts_.stats.add_get_miss();
  }
  return response;
}

bool PullMessageHandler::hold(RemotingCommand& request, const PullMessageRequestHeader& header, const remoting::ConnectionPtr& connection,
                              const Checked& checked) {
  const std::int64_t wait_ms = config_.broker.long_polling.get() ? header.suspend_timeout_ms : config_.broker.short_polling_ms.get();
  if (wait_ms <= 0) return false;
  HeldPull pull;
  pull.topic = header.topic;  // Before the request moves: the header holds views into it.
  pull.queue_id = header.queue_id;
  pull.offset = header.queue_offset;
  pull.filter = checked.filter;
  pull.expires_ms = parts_.clock.steady_ms() + wait_ms;
  pull.connection = connection;
  pull.request = std::move(request);
  pull.request.own();
  if (parts_.held_pulls.hold(pull)) {
    // As with a message that comes in between: a reset before the pull stood in the table has woken nobody.
    if (parts_.offsets.has_reset(header.consumer_group, header.topic, header.queue_id)) {
      parts_.held_pulls.wake_queue(std::string(header.topic), header.queue_id);
    }
    return true;
  }
  request = std::move(pull.request);
  return false;
}

}  // namespace skylark::broker
