// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/send_puts.h"

#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "broker/broker_stats.h"
#include "broker/handlers/handlers.h"
#include "broker/staged_puts.h"
#include "protocol/message_id.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

constexpr std::size_t kPropertiesSizeMax = 32'767;  // The length field of a record has 16 bits with a sign.
constexpr std::size_t kStagedMax = 64;              // Others wait for the log meanwhile: 64 small records take 10 µs.

/// The code of a message that is stored.
ResponseCode code_of(PutStatus status) {
  switch (status) {
    case PutStatus::flush_disk_timeout: return ResponseCode::flush_disk_timeout;
    case PutStatus::flush_slave_timeout: return ResponseCode::flush_slave_timeout;
    case PutStatus::slave_not_available: return ResponseCode::slave_not_available;
    default: return ResponseCode::success;
  }
}

}  // namespace

/// A request whose put is under way.
struct SendPuts::Asked {
  std::int32_t opaque = 0;
  Codec codec = Codec::json;
  bool one_way = false;
  bool inner_batch = false;
  std::int32_t queue_id = 0;
  std::int32_t count = 1;
  std::string topic;
  std::string unique_key;

  void set(const RemotingCommand& request, const SentMessages& sent) {
    opaque = request.opaque;
    codec = request.codec;
    one_way = request.is_one_way();
    inner_batch = sent.inner_batch;
    queue_id = sent.queue_id;
    count = sent.count;
    topic = sent.topic;
    unique_key = sent.unique_key;
  }
};

/// Puts that are to be appended together, and their requests.
struct SendPuts::Staged {
  StagedPuts puts;
  std::vector<Asked> asked;  ///< The first of them are in use, as many as there are puts.
};

/// A put whose answer waits, past the life of the request's buffer. The answer is made inside the call of `when_kept`, and returned, or
/// after it, and sent through the responder; `state` says which side came first.
struct SendPuts::Pending {
  enum State { kCalling, kAnswered, kReturned };
  Asked asked;
  remoting::Responder responder;
  RemotingCommand response;
  std::atomic<int> state{kCalling};
};

SendPuts::SendPuts(const BrokerConfig& config, const BrokerIdentity& identity, MessageStore& store, BrokerStats& stats)
    : config_(config),
      identity_(identity),
      store_(store),
      stats_(stats),
      region_(config.broker.region_id.get()),
      body_size_max_(static_cast<std::size_t>(config.store.message_size_max.get())) {}

SendPuts::Staged& SendPuts::staged_by_this_thread() {
  thread_local Staged staged;
  return staged;
}

remoting::Reply SendPuts::put(const RemotingCommand& request, const SentMessages& sent, std::span<const PutMessage> messages,
                              const remoting::ConnectionPtr& connection) const {
  Staged& staged = staged_by_this_thread();
  const std::size_t index = staged.puts.size();
  if (index == staged.asked.size()) staged.asked.resize(index + 1);
  staged.asked[index].set(request, sent);
  store_.stage(messages, staged.puts);
  if (connection->dispatching()) {
    if (staged.puts.size() == kStagedMax) append(staged, connection);
    return remoting::Reply::deferred();
  }
  store_.append_staged(staged.puts);
  staged.puts.clear();  // The memory stays as it is until the next one is staged.
  return reply(staged.asked[index], staged.puts.result(index), connection);
}

void SendPuts::dispatched(const remoting::ConnectionPtr& connection) const {
  Staged& staged = staged_by_this_thread();
  if (staged.puts.size() > 0) append(staged, connection);
}

void SendPuts::append(Staged& staged, const remoting::ConnectionPtr& connection) const {
  struct Cleared {  // Whatever is thrown: what is left would be taken for that of the next connection.
    StagedPuts& puts;
    ~Cleared() { puts.clear(); }
  } const cleared{staged.puts};
  store_.append_staged(staged.puts);
  for (std::size_t i = 0; i < staged.puts.size(); ++i) {
    remoting::Reply answer = reply(staged.asked[i], staged.puts.result(i), connection);
    if (answer.has_response() && !staged.asked[i].one_way) connection->send(std::move(answer.response()));
  }
}

/// The answer to a put, at once or later.
remoting::Reply SendPuts::reply(const Asked& asked, PutResult& result, const remoting::ConnectionPtr& connection) const {
  return result.must_wait() ? reply_when_kept(asked, result, connection) : reply_now(asked, result);
}

/// A function of its own with one return: the answer is made where it stays, for it is large to move.
remoting::Reply SendPuts::reply_now(const Asked& asked, const PutResult& result) const {
  auto reply = remoting::Reply::blank();
  reply.response().opaque = asked.opaque;
  reply.response().codec = asked.codec;
  reply.response().flag = kFlagResponse;
  fill_in(asked, result, reply.response());
  return reply;
}

remoting::Reply SendPuts::reply_when_kept(const Asked& asked, PutResult& result, const remoting::ConnectionPtr& connection) const {
  const auto pending = std::make_shared<Pending>();
  ++pending_count_;
  pending->asked = asked;
  pending->responder = remoting::Responder(connection, asked.opaque, asked.codec, asked.one_way);
  pending->response.opaque = asked.opaque;
  pending->response.codec = asked.codec;
  pending->response.flag = kFlagResponse;
  store_.when_kept(std::move(result), [this, pending](const PutResult& kept) { finish(pending, kept); });
  if (pending->state.exchange(Pending::kReturned) == Pending::kAnswered) return std::move(pending->response);
  return remoting::Reply::deferred();
}

void SendPuts::finish(const std::shared_ptr<Pending>& pending, const PutResult& result) const {
  fill_in(pending->asked, result, pending->response);
  pending->response.own();  // The thread that sends it may be another one, and `pending` may be gone.
  // Inside the call of `when_kept` the reply is returned by it; after that it is sent from here.
  if (pending->state.exchange(Pending::kAnswered) == Pending::kReturned) pending->responder.respond(std::move(pending->response));
  --pending_count_;
}

void SendPuts::wait_for_pending(std::chrono::milliseconds longest) const {
  const auto end = std::chrono::steady_clock::now() + longest;
  while (pending_count_ > 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

RemotingCommand SendPuts::refusal(const RemotingCommand& request, Refusal refusal) const {
  RemotingCommand response = answer(request, refusal.code, std::move(refusal.remark));
  add_broker_fields(response);
  return response;
}

std::optional<Refusal> SendPuts::refuse_sizes(std::size_t body_size, std::size_t properties_size) const {
  if (body_size <= body_size_max_ && properties_size <= kPropertiesSizeMax) return std::nullopt;
  return Refusal{
      ResponseCode::message_illegal,
      fmt::format("the message is illegal, maybe msg body or properties length not matched. msg body length limit {}B, msg properties "
                  "length limit 32KB.",
                  body_size_max_)};
}

/// What every answer to a send carries.
void SendPuts::add_broker_fields(RemotingCommand& response) const {
  response.ext.add_view("MSG_REGION", region_);
  response.ext.add_view("TRACE_ON", config_.broker.trace_on.get() ? "true" : "false");
}

/// Why a message that could not be stored is refused; empty when it is stored.
std::optional<Refusal> SendPuts::refuse_put(PutStatus status) const {
  switch (status) {
    case PutStatus::ok:
    case PutStatus::flush_disk_timeout:
    case PutStatus::flush_slave_timeout:
    case PutStatus::slave_not_available: return std::nullopt;
    case PutStatus::service_not_available: {
      const DiskUsage disk = store_.disk_usage();
      return Refusal{
          ResponseCode::service_not_available,
          fmt::format("service not available now. It may be caused by one of the following reasons: the broker's disk is full "
                      "[CL: {:5.2f} CQ: {:5.2f} INDEX: {:5.2f}], messages are put to the slave, message store has been shut down, etc.",
                      disk.commit_log, disk.consume_queues, disk.key_index)};
    }
    case PutStatus::message_illegal: return refuse_sizes(std::numeric_limits<std::size_t>::max(), 0);
    case PutStatus::page_cache_busy:
      return Refusal{ResponseCode::system_busy, "[PC_SYNCHRONIZED]broker busy, start flow control for a while"};
    case PutStatus::append_timeout:  // The size counts this one.
      return Refusal{
          ResponseCode::system_busy,
          fmt::format("[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: {}ms, size of queue: {}",
                      config_.broker.send_wait_ms.get(), pending_count_.load() + 1)};
    case PutStatus::create_file_failed: return Refusal{ResponseCode::system_error, "create mapped file failed, server is busy or broken."};
    case PutStatus::unknown_error: break;
  }
  return Refusal{ResponseCode::system_error, "UNKNOWN_ERROR"};
}

/// Fills in the answer. It may hold views of `asked` and of this thread's memory, good until the next answer.
void SendPuts::fill_in(const Asked& asked, const PutResult& result, RemotingCommand& response) const {
  add_broker_fields(response);
  if (auto refused = refuse_put(result.status)) {
    stats_.add_put_failed();
    response.code = to_int(refused->code);
    response.remark = std::move(refused->remark);
    return;
  }
  stats_.add_put(asked.topic, asked.queue_id, asked.count, result.record_size);
  response.code = to_int(code_of(result.status));
  if (result.message_ids.empty()) {
    thread_local std::optional<OffsetMessageIdText> id;
    id.emplace(identity_.store_host, result.physical_offset);
    response.ext.add_view("msgId", id->view());
  } else {
    response.ext.add("msgId", result.message_ids);
  }
  response.ext.add_integer("queueId", asked.queue_id);
  response.ext.add_integer("queueOffset", result.queue_offset);
  if (!asked.unique_key.empty()) response.ext.add_view("transactionId", asked.unique_key);
  if (asked.inner_batch) response.ext.add_view("batchUniqId", asked.unique_key);
}

}  // namespace skylark::broker
