// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/send_message.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "broker/broker_stats.h"
#include "broker/handlers/handlers.h"
#include "broker/topic_names.h"
#include "broker/transaction/half_message.h"
#include "protocol/message.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

constexpr std::size_t kPropertiesSizeMax = 32'767;  // The length field of a record has 16 bits with a sign.
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

bool is_true(std::string_view text) {
  constexpr std::string_view kTrue = "true";
  return text.size() == kTrue.size() &&
         std::equal(kTrue.begin(), kTrue.end(), text.begin(), [](char a, char b) { return a == (b | 0x20); });
}

bool wait_store_ok(std::string_view properties) {
  const auto wait = find_property(properties, property::kWait);
  return !wait || is_true(*wait);
}

bool has_delay_level(std::string_view properties) {
  const auto level = find_property(properties, property::kDelay);
  return level && !level->empty() && level->front() != '0' && level->front() != '-';
}

bool wants_exact_time(std::string_view properties) {
  return find_property(properties, property::kTimerDelaySec) || find_property(properties, property::kTimerDelayMs) ||
         find_property(properties, property::kTimerDeliverMs);
}

}  // namespace

/// One send on its way: what the answer needs, since the request's buffer is gone by then. The answer is made inside the call of
/// `put`, and returned, or after it, and sent through the responder; `state` says which side came first.
struct SendMessageHandler::Pending {
  enum State { kCalling, kAnswered, kReturned };
  remoting::Responder responder;
  RemotingCommand skeleton;  ///< Response without code, remark and result.
  std::string topic;
  std::string unique_key;
  std::int32_t queue_id = 0;
  std::int32_t count = 1;
  bool inner_batch = false;
  RemotingCommand response;
  std::atomic<int> state{kCalling};
};

SendMessageHandler::SendMessageHandler(const BrokerConfig& config, const BrokerIdentity& identity, TopicConfigManager& topics,
                                       MessageStore& store, BrokerStats& stats, const MessageHooks& hooks, Clock& clock)
    : config_(config),
      identity_(identity),
      topics_(topics),
      store_(store),
      stats_(stats),
      hooks_(hooks),
      clock_(clock),
      region_(config.broker.region_id.get()),
      body_size_max_(static_cast<std::size_t>(config.store.message_size_max.get())) {}

remoting::Reply SendMessageHandler::handle(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const bool is_short = request.code != to_int(RequestCode::send_message);
  const FieldNames field_names = is_short ? FieldNames::short_form : FieldNames::full;
  const auto header = decode_header<SendMessageRequestHeader>(request, field_names);
  if (!header) return answer_missing(request, first_missing_field<SendMessageRequestHeader>(request, field_names));

  if (auto refused = refuse_broker(*header)) return refusal(request, std::move(*refused));
  if (auto problem = topic_name_problem(header->topic)) return refusal(request, {ResponseCode::invalid_parameter, std::move(*problem)});
  if (is_forbidden_to_send(header->topic)) {
    return refusal(request, {ResponseCode::no_permission, fmt::format("Sending message to topic[{}] is forbidden.", header->topic)});
  }
  const TopicConfigPtr topic = find_topic(*header);
  if (!topic) {
    return refusal(request,
                   {ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist, apply first please!{}", header->topic, kFaqLine)});
  }
  if (header->queue_id >= std::max(topic->write_queues, topic->read_queues)) {
    return refusal(request,
                   {ResponseCode::invalid_parameter, fmt::format("request queueId[{}] is illegal, {} Producer: {}", header->queue_id,
                                                                 describe(*topic), connection->remote_address())});
  }
  if (request.body.empty()) return refusal(request, {ResponseCode::system_error, "the message has no body"});
  return header->batch ? put_batch(request, *header, *topic, connection) : put_one(request, *header, *topic, connection);
}

std::optional<Refusal> SendMessageHandler::refuse_broker(const SendMessageRequestHeader& header) const {
  if (config_.is_slave()) return Refusal{ResponseCode::system_busy, std::string(kReject)};
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

std::optional<Refusal> SendMessageHandler::refuse_sizes(std::size_t body_size, std::size_t properties_size) const {
  if (body_size <= body_size_max_ && properties_size <= kPropertiesSizeMax) return std::nullopt;
  return Refusal{
      ResponseCode::message_illegal,
      fmt::format("the message is illegal, maybe msg body or properties length not matched. msg body length limit {}B, msg properties "
                  "length limit 32KB.",
                  body_size_max_)};
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

/// What every broker adds to the properties of a request.
void SendMessageHandler::set_broker_properties(std::string& properties) const {
  const auto set = [&properties](std::string_view name, std::string_view value) {
    const auto known = find_property(properties, name);
    if (known == value) return;
    if (known) properties = remove_property(properties, name);
    append_property(properties, name, value);
  };
  set(property::kRegion, region_);
  set(property::kTraceOn, config_.broker.trace_on.get() ? "true" : "false");
  set(property::kCluster, identity_.cluster);
}

/// The properties of a message as they are stored: as sent, with those of the broker, a unique key among them.
std::string SendMessageHandler::broker_properties(std::string_view sent, std::string& unique_key) const {
  constexpr std::size_t kAddedSize = 128;  // What is added mostly fits: one allocation.
  std::string properties;
  properties.reserve(sent.size() + kAddedSize);
  if (find_property(sent, property::kPopCheckpoint)) {
    properties += remove_property(sent, property::kPopCheckpoint);
  } else {
    properties += sent;
  }
  set_broker_properties(properties);
  if (const auto key = find_property(properties, property::kUniqueKey)) {
    unique_key = *key;
  } else {
    unique_key = make_unique_key(identity_.store_host);
    append_property(properties, property::kUniqueKey, unique_key);
  }
  return properties;
}

remoting::Reply SendMessageHandler::put_one(const RemotingCommand& request, const SendMessageRequestHeader& header,
                                            const TopicConfig& topic, const remoting::ConnectionPtr& connection) {
  PutMessage message;
  OwnedParts parts;
  fill(header, topic, *connection, message.fields);
  message.fields.body = request.body.view();
  message.fields.properties = header.properties;
  const std::int32_t queue_id = message.fields.queue_id;
  if (hooks_.retry_send && is_retry_topic(header.topic)) {
    const RetrySend send{.client_version = request.version, .max_reconsume_times = header.max_reconsume_times};
    if (auto refused = hooks_.retry_send(send, message, parts)) return refusal(request, std::move(*refused));
  }

  const bool half = is_half_message(message.fields);
  if (half && config_.broker.reject_transactions.get()) {
    return refusal(request, {ResponseCode::no_permission,
                             fmt::format("the broker[{}] sending transaction message is forbidden", config_.broker.ip1.get())});
  }
  if (!half && !has_delay_level(message.fields.properties) && wants_exact_time(message.fields.properties)) {
    return refusal(request, {ResponseCode::system_error, "accurate timer message is not enabled, timerWheelEnable is false"});
  }
  std::string unique_key;
  std::string properties = broker_properties(message.fields.properties, unique_key);
  parts.properties = std::move(properties);
  message.fields.properties = parts.properties;
  if (auto refused = refuse_sizes(message.fields.body.size(), parts.properties.size())) return refusal(request, std::move(*refused));
  message.wait_store_ok = wait_store_ok(parts.properties);
  if (half && hooks_.prepare_transaction) {
    hooks_.prepare_transaction(message, parts);
  } else {
    hooks_.apply_delay(message, parts);
  }

  const std::int32_t count = message_count(message.fields.sys_flag, message.fields.properties).value_or(1);
  const auto pending = make_pending(request, header, queue_id, count, connection);
  pending->unique_key = std::move(unique_key);
  store_.put(message, [this, pending](const PutResult& result) { finish(pending, result); });
  return reply_of(pending);
}

remoting::Reply SendMessageHandler::put_batch(const RemotingCommand& request, const SendMessageRequestHeader& header,
                                              const TopicConfig& topic, const remoting::ConnectionPtr& connection) {
  if (is_retry_topic(header.topic)) {
    return refusal(request, {ResponseCode::message_illegal, fmt::format("batch request does not support retry group {}", header.topic)});
  }
  const auto items = decode_batch(request.body.view());
  if (!items || items->empty()) return refusal(request, {ResponseCode::system_error, "the batch cannot be decoded"});

  PutMessage model;
  fill(header, topic, *connection, model.fields);
  std::string shared(header.properties);
  set_broker_properties(shared);
  const bool transactional = (header.sys_flag & sys_flag::kTransactionMask) != 0;
  if (transactional || has_delay_level(shared)) {
    return refusal(request, *refuse_sizes(std::numeric_limits<std::size_t>::max(), 0));
  }
  if (auto refused = refuse_sizes(request.body.size(), shared.size())) return refusal(request, std::move(*refused));
  model.wait_store_ok = wait_store_ok(shared);
  const std::string unique_key(find_property(shared, property::kUniqueKey).value_or(""));
  if (!unique_key.empty() && has_batch_queues(topic)) {
    const auto pending = make_pending(request, header, model.fields.queue_id, static_cast<std::int32_t>(items->size()), connection);
    pending->unique_key = unique_key;
    pending->inner_batch = true;
    model.fields.body = request.body.view();
    return put_inner_batch(std::move(model), std::move(shared), pending);
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
    if (auto refused = refuse_sizes(item.body.size(), properties.size())) return refusal(request, std::move(*refused));
    PutMessage& message = messages.emplace_back(model);
    message.fields.flag = item.flag;
    message.fields.body = item.body;
    message.fields.properties = properties;
  }
  const auto pending = make_pending(request, header, model.fields.queue_id, static_cast<std::int32_t>(messages.size()), connection);
  pending->unique_key = unique_key;
  store_.put_batch(messages, [this, pending](const PutResult& result) { finish(pending, result); });
  return reply_of(pending);
}

/// The batch becomes one record as it came; consumers take it apart. Source: SendMessageProcessor.sendBatchMessage.
remoting::Reply SendMessageHandler::put_inner_batch(PutMessage message, std::string properties, const std::shared_ptr<Pending>& pending) {
  // No other topic may hold it, so it cannot wait in one until it is due.
  PutResult refused;
  refused.status = wants_exact_time(properties) ? PutStatus::message_illegal : PutStatus::ok;
  set_property(properties, property::kInnerNumber, std::to_string(pending->count));
  message.fields.sys_flag |= sys_flag::kInnerBatch | sys_flag::kNeedUnwrap;
  message.fields.properties = properties;
  if (!refused.stored())
    finish(pending, refused);
  else
    store_.put(message, [this, pending](const PutResult& result) { finish(pending, result); });
  return reply_of(pending);
}

std::shared_ptr<SendMessageHandler::Pending> SendMessageHandler::make_pending(const RemotingCommand& request,
                                                                              const SendMessageRequestHeader& header, std::int32_t queue_id,
                                                                              std::int32_t count,
                                                                              const remoting::ConnectionPtr& connection) const {
  auto pending = std::make_shared<Pending>();
  ++pending_count_;
  pending->responder = remoting::Responder(connection, request);
  pending->skeleton = make_response(request, 0);
  pending->topic = header.topic;
  pending->queue_id = queue_id;
  pending->count = count;
  return pending;
}

void SendMessageHandler::finish(const std::shared_ptr<Pending>& pending, const PutResult& result) const {
  pending->response = answer_put(*pending, result);
  // Inside the call of `put` the reply is returned by it; after that it is sent from here.
  if (pending->state.exchange(Pending::kAnswered) == Pending::kReturned) pending->responder.respond(std::move(pending->response));
  --pending_count_;
}

void SendMessageHandler::wait_for_pending(std::chrono::milliseconds longest) const {
  const auto end = std::chrono::steady_clock::now() + longest;
  while (pending_count_ > 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

remoting::Reply SendMessageHandler::reply_of(const std::shared_ptr<Pending>& pending) {
  if (pending->state.exchange(Pending::kReturned) == Pending::kAnswered) return std::move(pending->response);
  return remoting::Reply::deferred();
}

RemotingCommand SendMessageHandler::refusal(const RemotingCommand& request, Refusal refusal) const {
  RemotingCommand response = answer(request, refusal.code, std::move(refusal.remark));
  response.ext.add_view("MSG_REGION", region_);
  response.ext.add_view("TRACE_ON", config_.broker.trace_on.get() ? "true" : "false");
  return response;
}

RemotingCommand SendMessageHandler::answer_put(const Pending& pending, const PutResult& result) const {
  const auto refused = [this, &pending](ResponseCode code, std::string remark) {
    stats_.add_put_failed();
    return refusal(pending.skeleton, {code, std::move(remark)});
  };
  ResponseCode code = ResponseCode::success;
  switch (result.status) {
    case PutStatus::ok: break;
    case PutStatus::flush_disk_timeout: code = ResponseCode::flush_disk_timeout; break;
    case PutStatus::flush_slave_timeout: code = ResponseCode::flush_slave_timeout; break;
    case PutStatus::slave_not_available: code = ResponseCode::slave_not_available; break;
    case PutStatus::service_not_available: {
      const DiskUsage disk = store_.disk_usage();
      return refused(ResponseCode::service_not_available,
                     fmt::format("service not available now. It may be caused by one of the following reasons: the broker's disk is full "
                                 "[CL: {:5.2f} CQ: {:5.2f} INDEX: {:5.2f}], messages are put to the slave, message store has been shut "
                                 "down, etc.",
                                 disk.commit_log, disk.consume_queues, disk.key_index));
    }
    case PutStatus::message_illegal: {
      auto text = refuse_sizes(std::numeric_limits<std::size_t>::max(), 0);
      return refused(ResponseCode::message_illegal, std::move(text->remark));
    }
    case PutStatus::page_cache_busy:
      return refused(ResponseCode::system_busy, "[PC_SYNCHRONIZED]broker busy, start flow control for a while");
    case PutStatus::create_file_failed: return refused(ResponseCode::system_error, "create mapped file failed, server is busy or broken.");
    case PutStatus::unknown_error: return refused(ResponseCode::system_error, "UNKNOWN_ERROR");
  }
  stats_.add_put(pending.topic, pending.queue_id, pending.count, result.record_size);
  RemotingCommand response = answer(pending.skeleton, code);
  response.ext.add_view("MSG_REGION", region_);
  response.ext.add_view("TRACE_ON", config_.broker.trace_on.get() ? "true" : "false");
  response.ext.add("msgId", result.message_ids);
  response.ext.add_integer("queueId", pending.queue_id);
  response.ext.add_integer("queueOffset", result.queue_offset);
  if (!pending.unique_key.empty()) response.ext.add("transactionId", pending.unique_key);
  if (pending.inner_batch) response.ext.add("batchUniqId", pending.unique_key);
  return response;
}

}  // namespace skylark::broker
