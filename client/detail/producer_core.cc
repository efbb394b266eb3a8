// SPDX-License-Identifier: Apache-2.0
#include "client/detail/producer_core.h"

#include <utility>

#include <fmt/core.h>

#include "client/detail/identity.h"
#include "client/detail/records.h"
#include "client/detail/send_policy.h"
#include "protocol/message.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "protocol/send_headers.h"

namespace skylark::client {

namespace {

constexpr std::string_view kTemplateTopic = "TBW102";
constexpr std::size_t kPropertiesSizeMax = 32'767;

bool is_prepared(const Message& message) { return message.property(property::kTransactionPrepared) == "true"; }

std::optional<SendStatus> status_of(std::int32_t response_code) {
  switch (static_cast<ResponseCode>(response_code)) {
    case ResponseCode::success: return SendStatus::ok;
    case ResponseCode::flush_disk_timeout: return SendStatus::flush_disk_timeout;
    case ResponseCode::flush_slave_timeout: return SendStatus::flush_replica_timeout;
    case ResponseCode::slave_not_available: return SendStatus::replica_not_available;
    default: return std::nullopt;  // Not stored.
  }
}

Outcome<SendResult> read_result(const RemotingCommand& response, const OutgoingMessage& message, const MessageQueue& queue) {
  const auto status = status_of(response.code);
  if (!status) return Failure::refused(response.code, response.remark);
  const auto header = decode_header<SendMessageResponseHeader>(response);
  if (!header) return Failure(header.error(), "the answer to a send lacks a field");
  SendResult result;
  result.status = *status;
  result.message_id = message.message_id;
  result.offset_message_id = header->message_id;
  result.queue = queue;
  result.queue.queue_id = header->queue_id;
  result.queue_offset = header->queue_offset;
  result.transaction_id = header->transaction_id.value_or("");
  result.region = header->region.value_or("");
  return result;
}

}  // namespace

ProducerCore::ProducerCore(ProducerOptions options)
    : options_(std::move(options)), sequence_(static_cast<std::uint64_t>(now_ms())), instance_(options_.client, this) {}

ProducerCore::~ProducerCore() { shutdown(); }

Outcome<> ProducerCore::start() {
  if (const auto checked = check_group(options_.group); !checked) return checked.error();
  auto begun = instance_.start();
  if (begun) started_ = true;
  return begun;
}

void ProducerCore::shutdown() {
  core().begin_stop();
  if (started_.exchange(false)) {
    const auto goodbye = [](Instance& instance, std::string group) -> Task<Outcome<>> {
      co_await instance.unregister(std::move(group), std::nullopt);
      co_return Outcome<>();
    };
    (void)core().wait(goodbye(instance_, options_.group));
  }
  core().stop();
}

void ProducerCore::describe(HeartbeatData& into) { into.producer_groups.push_back(options_.group); }

remoting::Reply ProducerCore::serve(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto handler = handlers_.find(request.code);
  return handler == handlers_.end() ? Role::serve(request, connection) : handler->second(request, connection);
}

OutgoingMessage ProducerCore::prepare(Message& message) const {
  message.properties.try_emplace(std::string(property::kUniqueKey), make_message_id(instance_.client_ip()));
  message.properties.try_emplace(std::string(property::kWait), "true");
  OutgoingMessage out;
  out.topic = message.topic;
  out.flag = message.flag;
  out.message_id = message.property(property::kUniqueKey);
  out.born_timestamp_ms = now_ms();
  if (is_prepared(message)) out.sys_flag |= sys_flag::kTransactionPrepared;
  if (message.body.size() >= options_.compress_from_bytes) {
    out.body = std::make_shared<const std::string>(compress_zlib(message.body));
    out.sys_flag |= sys_flag::kCompressed | sys_flag::kCompressionZlib;
  } else {
    out.body = std::make_shared<const std::string>(std::move(message.body));
  }
  out.properties = encode_properties(message.properties);
  return out;
}

Task<Outcome<SendResult>> ProducerCore::send(Message message, SendTarget target) {
  if (const auto checked = check_message(message, options_.body_size_max_bytes); !checked) co_return checked.error();
  OutgoingMessage out = prepare(message);
  Outcome<SendResult> result = co_await deliver(std::move(out), std::move(message), std::move(target));
  co_return result;
}

Task<Outcome<SendResult>> ProducerCore::send_batch(std::vector<Message> messages, SendTarget target) {
  if (messages.empty()) co_return Failure(Errc::invalid_argument, "the batch is empty");
  Message whole(messages.front().topic, "");
  OutgoingMessage out;
  out.batch = true;
  for (Message& message : messages) {
    if (message.topic != whole.topic) co_return Failure(Errc::invalid_argument, "a batch has one topic");
    if (!message.property(property::kDelay).empty() || is_prepared(message)) {
      co_return Failure(Errc::invalid_argument, "a batch can be neither delayed nor transactional");
    }
    message.properties.insert_or_assign(std::string(property::kUniqueKey), make_message_id(instance_.client_ip()));
    out.message_id += (out.message_id.empty() ? "" : ",") + message.property(property::kUniqueKey);
    const std::string properties = encode_properties(message.properties);
    BatchItem item;
    item.flag = message.flag;
    item.body = message.body;
    item.properties = properties;
    encode_batch_item(item, whole.body);
  }
  if (const auto checked = check_message(whole, options_.body_size_max_bytes); !checked) co_return checked.error();
  whole.set_wait_stored(true).set_property(std::string(property::kUniqueKey), make_message_id(instance_.client_ip()));
  out.topic = whole.topic;
  out.properties = encode_properties(whole.properties);
  out.body = std::make_shared<const std::string>(std::move(whole.body));
  out.born_timestamp_ms = now_ms();
  Outcome<SendResult> result = co_await deliver(std::move(out), std::move(whole), std::move(target));
  co_return result;
}

Task<Outcome<>> ProducerCore::send_one_way(Message message, SendTarget target) {
  if (const auto checked = check_message(message, options_.body_size_max_bytes); !checked) co_return checked.error();
  const OutgoingMessage out = prepare(message);
  Outcome<QueuesPtr> queues = co_await find_queues(message.topic);
  if (!queues) co_return queues.error();
  const Outcome<MessageQueue> queue = choose(**queues, message, target, "");
  if (!queue) co_return queue.error();
  const auto address = instance_.address(queue->broker_name);
  if (!address) co_return Failure(Errc::not_found, "no master of broker " + queue->broker_name + " is known");
  core().call_one_way(*address, make_send_request(out, *queue));
  co_return Outcome<>();
}

Task<Outcome<SendResult>> ProducerCore::deliver(OutgoingMessage message, Message original, SendTarget target) {
  if (message.properties.size() > kPropertiesSizeMax) co_return Failure(Errc::too_large, "the properties are longer than 32767 bytes");
  if (in_flight_ >= options_.in_flight_max) co_return Failure(Errc::busy, "too many sends are under way");
  ++in_flight_;
  const auto counted = std::shared_ptr<void>(nullptr, [this](void*) { --in_flight_; });
  const bool anywhere = std::holds_alternative<std::monostate>(target);
  const std::int32_t attempt_count_max = anywhere ? 1 + options_.retry_count_max : 1;
  std::string failed_broker;
  Failure last;
  for (std::int32_t number = 0; number < attempt_count_max && !core().stopping(); ++number) {
    Outcome<QueuesPtr> queues = co_await find_queues(message.topic);
    if (!queues) co_return queues.error();
    const Outcome<MessageQueue> queue = choose(**queues, original, target, failed_broker);
    if (!queue) co_return queue.error();
    Outcome<SendResult> result = co_await attempt(message, *queue);
    if (result || !should_retry(result.error())) co_return result;
    last = std::move(result.error());
    failed_broker = queue->broker_name;
  }
  if (core().stopping()) co_return Failure(Errc::closed, "the producer is shutting down");
  co_return last;
}

Task<Outcome<SendResult>> ProducerCore::attempt(const OutgoingMessage& message, const MessageQueue& queue) {
  const auto address = instance_.address(queue.broker_name);
  if (!address) co_return Failure(Errc::not_found, "no master of broker " + queue.broker_name + " is known");
  Outcome<RemotingCommand> answer = co_await core().call(*address, make_send_request(message, queue), options_.send_timeout);
  if (!answer) co_return answer.error();
  co_return read_result(*answer, message, queue);
}

Task<Outcome<ProducerCore::QueuesPtr>> ProducerCore::find_queues(std::string topic) {
  Outcome<RoutePtr> route = co_await instance_.publish_route(topic, options_.default_topic_queue_nums);
  if (!route) co_return route.error();
  PublishQueues& known = publish_queues_[topic];
  if (known.queues == nullptr || known.route != *route) {
    known.route = *route;
    known.queues = std::make_shared<const std::vector<MessageQueue>>(skylark::client::publish_queues(**route, topic));
  }
  if (known.queues->empty()) co_return Failure(Errc::not_found, "no broker takes messages of topic " + topic);
  co_return known.queues;
}

Task<Outcome<std::vector<MessageQueue>>> ProducerCore::queues_of(std::string topic) {
  Outcome<QueuesPtr> queues = co_await find_queues(std::move(topic));
  if (!queues) co_return queues.error();
  co_return **queues;
}

Outcome<MessageQueue> ProducerCore::choose(const std::vector<MessageQueue>& queues, const Message& original, const SendTarget& target,
                                           const std::string& failed_broker) {
  if (const auto* queue = std::get_if<MessageQueue>(&target)) return *queue;
  if (const auto* selector = std::get_if<QueueSelector>(&target)) {
    const std::size_t index = (*selector)(queues, original);
    if (index >= queues.size()) return Failure(Errc::out_of_range, fmt::format("the selector chose {} of {}", index, queues.size()));
    return queues[index];
  }
  return select_queue(queues, sequence_++, failed_broker);
}

RemotingCommand ProducerCore::make_send_request(const OutgoingMessage& message, const MessageQueue& queue) const {
  SendMessageRequestHeader header;
  header.producer_group = options_.group;
  header.topic = message.topic;
  header.default_topic = kTemplateTopic;
  header.default_topic_queue_nums = options_.default_topic_queue_nums;
  header.queue_id = queue.queue_id;
  header.sys_flag = message.sys_flag;
  header.born_timestamp = message.born_timestamp_ms;
  header.flag = message.flag;
  header.properties = message.properties;
  header.batch = message.batch;
  header.broker_name = queue.broker_name;
  const RequestCode code = message.batch ? RequestCode::send_batch_message : RequestCode::send_message_v2;
  std::vector<PinnedSlice> body(1);
  body.front().bytes = *message.body;
  body.front().pin = message.body;
  RemotingCommand request = make_request(to_int(code), header, Body(std::move(body)), FieldNames::short_form);
  request.ext.own();  // The channel may hold it longer than this send lives.
  return request;
}

}  // namespace skylark::client
