// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/send_message.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <random>

#include <fmt/format.h>

#include "broker/handlers/handlers.h"
#include "broker/topic_names.h"
#include "broker/transaction/half_message.h"
#include "protocol/message.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

constexpr std::string_view kOverload = "[OVERLOAD]system busy, start flow control for a while";
constexpr std::string_view kReject = "[REJECTREQUEST]system busy, start flow control for a while";

std::string human_time(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[32] = {};
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return fmt::format("{},{:03}", std::string_view(text, size), ms % 1000);
}

/// TopicConfig.toString, which is part of a remark.
std::string describe(const TopicConfig& topic) {
  std::string attributes;
  for (const auto& [key, value] : topic.attributes) attributes += fmt::format("{}{}={}", attributes.empty() ? "" : ", ", key, value);
  const char perm[] = {permission::readable(topic.perm) ? 'R' : '-', permission::writable(topic.perm) ? 'W' : '-',
                       permission::inherited(topic.perm) ? 'X' : '-', '\0'};
  return fmt::format(
      "TopicConfig [topicName={}, readQueueNums={}, writeQueueNums={}, perm={}, topicFilterType={}, topicSysFlag={}, order={}, "
      "attributes={{{}}}]",
      topic.name, topic.read_queues, topic.write_queues, perm, topic.multi_tag ? "MULTI_TAG" : "SINGLE_TAG", topic.sys_flag, topic.order,
      attributes);
}

std::int32_t random_queue(std::int32_t count) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return count <= 1 ? 0 : static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(count));
}

/// Born host of the messages of a connection: parsed once for a run of sends of the same one.
const Host& born_host(const remoting::Connection& connection) {
  struct Known {
    std::uint64_t connection_id = 0;
    Host host;
  };
  thread_local Known known;
  if (known.connection_id != connection.id()) {
    const auto parsed = Host::parse(connection.remote_address());
    known.host = parsed ? *parsed : Host{};
    known.connection_id = connection.id();
  }
  return known.host;
}

std::string_view text_of(bool value) { return value ? "true" : "false"; }

/// What every broker adds to the properties of a message that has none of them.
std::string added_properties(std::string_view region, bool traced, std::string_view cluster) {
  std::string added;
  append_property(added, property::kRegion, region);
  append_property(added, property::kTraceOn, text_of(traced));
  append_property(added, property::kCluster, cluster);
  return added;
}

/// Memory that a message's rewritten text takes for the time of a put, kept by the thread for the next one.
struct PutTexts {
  OwnedParts parts;
  std::string properties;
  std::string unique_key;  ///< For the answer, whatever hooks do to the properties.

  void clear() {
    constexpr std::size_t kKeptMax = 64 * 1024;
    for (std::string* const text : {&parts.topic, &parts.properties, &parts.body, &properties, &unique_key}) {
      if (text->capacity() > kKeptMax) *text = std::string();
      text->clear();
    }
  }
};

}  // namespace

SendMessageHandler::SendMessageHandler(const BrokerConfig& config, const BrokerIdentity& identity, TopicConfigManager& topics,
                                       MessageStore& store, BrokerStats& stats, const MessageHooks& hooks, Clock& clock)
    : config_(config),
      identity_(identity),
      topics_(topics),
      hooks_(hooks),
      clock_(clock),
      slave_(config.is_slave()),
      puts_(config, identity, store, stats),
      region_(config.broker.region_id.get()),
      added_when_traced_(added_properties(region_, true, identity.cluster)),
      added_untraced_(added_properties(region_, false, identity.cluster)) {}

remoting::Reply SendMessageHandler::handle(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const bool is_short = request.code != to_int(RequestCode::send_message);
  const FieldNames field_names = is_short ? FieldNames::short_form : FieldNames::full;
  const auto header = decode_header<SendMessageRequestHeader>(request, field_names);
  if (!header) return answer_missing(request, first_missing_field<SendMessageRequestHeader>(request, field_names));

  // What is accepted and not yet answered, for the disk's or the replicas' sake, is memory: it has a bound.
  if (puts_.pending_count() >= config_.broker.send_capacity.get())
    return answer(request, ResponseCode::system_busy, std::string(kOverload));
  if (auto refused = refuse_broker(*header)) return puts_.refusal(request, std::move(*refused));
  const TopicConfigPtr& known = topics_.find_recent(header->topic);
  if (!known) {  // Those that are there were named well.
    if (auto problem = topic_name_problem(header->topic))
      return puts_.refusal(request, {ResponseCode::invalid_parameter, std::move(*problem)});
  }
  if (is_forbidden_to_send(header->topic)) {
    return puts_.refusal(request, {ResponseCode::no_permission, fmt::format("Sending message to topic[{}] is forbidden.", header->topic)});
  }
  TopicConfigPtr made;
  if (!known) made = find_topic(*header);
  const TopicConfig* const topic = known ? known.get() : made.get();
  if (topic == nullptr) {
    return puts_.refusal(
        request, {ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist, apply first please!{}", header->topic, kFaqLine)});
  }
  if (header->queue_id >= std::max(topic->write_queues, topic->read_queues)) {
    return puts_.refusal(request,
                         {ResponseCode::invalid_parameter, fmt::format("request queueId[{}] is illegal, {} Producer: {}", header->queue_id,
                                                                       describe(*topic), connection->remote_address())});
  }
  if (request.body.empty()) return puts_.refusal(request, {ResponseCode::system_error, "the message has no body"});
  return header->batch ? put_batch(request, *header, *topic, connection) : put_one(request, *header, *topic, connection);
}

std::optional<Refusal> SendMessageHandler::refuse_broker(const SendMessageRequestHeader& header) const {
  if (slave_) return Refusal{ResponseCode::system_busy, std::string(kReject)};
  if (const std::int64_t begin_ms = config_.broker.start_accept_sends_ms.get(); begin_ms > 0 && clock_.now_ms() < begin_ms) {
    return Refusal{ResponseCode::system_error, fmt::format("broker unable to service, until {}", human_time(begin_ms))};
  }
  if (!permission::writable(config_.broker.broker_permission.get()) && topics_.is_order_topic(header.topic)) {
    return Refusal{ResponseCode::no_permission, fmt::format("the broker[{}] sending message is forbidden", config_.broker.ip1.get())};
  }
  return std::nullopt;
}

TopicConfigPtr SendMessageHandler::find_topic(const SendMessageRequestHeader& header) {
  if (auto known = topics_.find(header.topic)) return known;
  constexpr std::int32_t kUnitSubscription = 2;  // TopicSysFlag.FLAG_UNIT_SUB.
  constexpr std::int32_t kUnit = 1;              // TopicSysFlag.FLAG_UNIT.
  const bool retry = is_retry_topic(header.topic);
  const std::int32_t sys_flag = !header.unit_mode ? 0 : retry ? kUnitSubscription : kUnit;
  if (auto made = topics_.create_on_send(header.topic, header.default_topic, header.default_topic_queue_nums, sys_flag)) return made;
  if (!retry) return nullptr;
  return topics_.create_if_absent(header.topic, 1, permission::kRead | permission::kWrite, false, sys_flag);
}

void SendMessageHandler::fill(const SendMessageRequestHeader& header, const TopicConfig& topic, const remoting::Connection& connection,
                              RecordFields& fields) const {
  fields.queue_id = header.queue_id < 0 ? random_queue(topic.write_queues) : header.queue_id;
  fields.flag = header.flag;
  fields.sys_flag = header.sys_flag | (topic.multi_tag ? sys_flag::kMultiTags : 0);
  fields.born_timestamp = header.born_timestamp;
  fields.born_host = born_host(connection);
  fields.store_host = identity_.store_host;
  fields.reconsume_times = header.reconsume_times;
  fields.topic = header.topic;
}

/// Writes the properties as they are stored: what the client sent, and what every broker adds.
void SendMessageHandler::add_broker_properties(std::string_view sent, const SentProperties& known, std::string& properties) const {
  constexpr char kPropertyEnd = '\x02';
  const bool traced = config_.broker.trace_on.get();
  properties = sent;
  if (known.pop_checkpoint.empty() && known.region.empty() && known.trace_on.empty() && known.cluster.empty()) {
    if (!properties.empty() && properties.back() != kPropertyEnd) properties += kPropertyEnd;
    properties += traced ? added_when_traced_ : added_untraced_;
    return;
  }
  if (!known.pop_checkpoint.empty()) properties = remove_property(sent, property::kPopCheckpoint);
  const auto set = [&properties](std::string_view name, std::string_view now, std::string_view wanted) {
    if (now == wanted) return;
    if (!now.empty()) properties = remove_property(properties, name);
    append_property(properties, name, wanted);
  };
  set(property::kRegion, known.region, region_);
  set(property::kTraceOn, known.trace_on, text_of(traced));
  set(property::kCluster, known.cluster, identity_.cluster);
}

remoting::Reply SendMessageHandler::put_one(const RemotingCommand& request, const SendMessageRequestHeader& header,
                                            const TopicConfig& topic, const remoting::ConnectionPtr& connection) {
  thread_local PutTexts texts;
  texts.clear();
  OwnedParts& parts = texts.parts;
  PutMessage message;
  fill(header, topic, *connection, message.fields);
  message.fields.body = request.body.view();
  message.fields.properties = header.properties;
  const std::int32_t queue_id = message.fields.queue_id;
  if (hooks_.retry_send && is_retry_topic(header.topic)) {
    const RetrySend send{.client_version = request.version, .max_reconsume_times = header.max_reconsume_times};
    if (auto refused = hooks_.retry_send(send, message, parts)) return puts_.refusal(request, std::move(*refused));
  }

  const SentProperties known(message.fields.properties);
  const bool half = !known.transaction_prepared.empty() && is_half_message(message.fields);
  if (half && config_.broker.reject_transactions.get()) {
    return puts_.refusal(request, {ResponseCode::no_permission,
                                   fmt::format("the broker[{}] sending transaction message is forbidden", config_.broker.ip1.get())});
  }
  if (!half && !known.has_delay_level() && known.wants_exact_time()) {
    return puts_.refusal(request, {ResponseCode::system_error, "accurate timer message is not enabled, timerWheelEnable is false"});
  }
  add_broker_properties(message.fields.properties, known, texts.properties);
  texts.unique_key = known.unique_key;
  if (texts.unique_key.empty()) {
    texts.unique_key = make_unique_key(identity_.store_host);
    append_property(texts.properties, property::kUniqueKey, texts.unique_key);
  }
  message.fields.properties = texts.properties;
  message.wait_store_ok = known.waits_for_store();
  if (auto refused = puts_.refuse_sizes(message.fields.body.size(), texts.properties.size()))
    return puts_.refusal(request, std::move(*refused));
  if (half && hooks_.prepare_transaction) {
    hooks_.prepare_transaction(message, parts);
  } else if (!known.delay.empty()) {
    hooks_.apply_delay(message, parts);
  }
  const std::int32_t count = message_count(message.fields.sys_flag, message.fields.properties).value_or(1);
  const SentMessages sent{.topic = header.topic, .unique_key = texts.unique_key, .queue_id = queue_id, .count = count};
  return puts_.put(request, sent, {&message, 1}, connection);
}

remoting::Reply SendMessageHandler::put_batch(const RemotingCommand& request, const SendMessageRequestHeader& header,
                                              const TopicConfig& topic, const remoting::ConnectionPtr& connection) {
  if (is_retry_topic(header.topic)) {
    return puts_.refusal(request,
                         {ResponseCode::message_illegal, fmt::format("batch request does not support retry group {}", header.topic)});
  }
  const auto items = decode_batch(request.body.view());
  if (!items || items->empty()) return puts_.refusal(request, {ResponseCode::system_error, "the batch cannot be decoded"});

  PutMessage model;
  fill(header, topic, *connection, model.fields);
  const SentProperties known(header.properties);
  std::string shared;
  add_broker_properties(header.properties, known, shared);
  const bool transactional = (header.sys_flag & sys_flag::kTransactionMask) != 0;
  if (transactional || known.has_delay_level()) {
    return puts_.refusal(request, *puts_.refuse_sizes(std::numeric_limits<std::size_t>::max(), 0));
  }
  if (auto refused = puts_.refuse_sizes(request.body.size(), shared.size())) return puts_.refusal(request, std::move(*refused));
  model.wait_store_ok = known.waits_for_store();
  SentMessages sent{.topic = header.topic,
                    .unique_key = known.unique_key,
                    .queue_id = model.fields.queue_id,
                    .count = static_cast<std::int32_t>(items->size())};
  if (!known.unique_key.empty() && has_batch_queues(topic)) {
    sent.inner_batch = true;
    model.fields.body = request.body.view();
    return put_inner_batch(request, sent, known, model, std::move(shared), connection);
  }

  std::vector<std::string> texts;
  std::vector<PutMessage> messages;
  texts.reserve(items->size());
  messages.reserve(items->size());
  for (const BatchItem& item : *items) {
    std::string& properties = texts.emplace_back(item.properties);
    if (!shared.empty()) {
      constexpr char kPropertyEnd = '\x02';
      if (!properties.empty() && properties.back() != kPropertyEnd) properties += kPropertyEnd;
      properties += shared;
    }
    if (auto refused = puts_.refuse_sizes(item.body.size(), properties.size())) return puts_.refusal(request, std::move(*refused));
    PutMessage& message = messages.emplace_back(model);
    message.fields.flag = item.flag;
    message.fields.body = item.body;
    message.fields.properties = properties;
  }
  return puts_.put(request, sent, messages, connection);
}

/// The batch becomes one record as it came; consumers take it apart. Source: SendMessageProcessor.sendBatchMessage.
remoting::Reply SendMessageHandler::put_inner_batch(const RemotingCommand& request, const SentMessages& sent, const SentProperties& known,
                                                    PutMessage& message, std::string properties,
                                                    const remoting::ConnectionPtr& connection) const {
  // No other topic may hold it, so it cannot wait in one until it is due.
  if (known.wants_exact_time()) return puts_.refusal(request, *puts_.refuse_sizes(std::numeric_limits<std::size_t>::max(), 0));
  set_property(properties, property::kInnerNumber, std::to_string(sent.count));
  message.fields.sys_flag |= sys_flag::kInnerBatch | sys_flag::kNeedUnwrap;
  message.fields.properties = properties;
  return puts_.put(request, sent, {&message, 1}, connection);
}

}  // namespace skylark::broker
