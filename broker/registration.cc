// SPDX-License-Identifier: Apache-2.0
#include "broker/registration.h"

#include <condition_variable>
#include <memory>
#include <utility>

#include <pthread.h>

#include "base/crc32.h"
#include "base/error.h"
#include "base/log.h"
#include "protocol/json.h"
#include "protocol/nameserver_headers.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "remoting/client.h"

namespace skylark::broker {
namespace {

std::vector<std::string> split_addresses(const std::string& text) {
  std::vector<std::string> addresses;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(';', at), text.size());
    std::string address = text.substr(at, end - at);
    std::erase(address, ' ');
    if (!address.empty()) addresses.push_back(std::move(address));
    at = end + 1;
  }
  return addresses;
}

std::string registration_body(const TopicConfigTable& table) {
  json::Value body;
  body.set("filterServerList", json::Array{});
  body.set("topicConfigSerializeWrapper", table.to_json_with_mapping());
  return json::write(body);
}

/// Answers of all name servers to one round of requests. Shared with the callbacks, which may outlive a round that timed out.
struct Round {
  std::mutex mutex;
  std::condition_variable done;
  std::size_t pending = 0;
  std::vector<std::pair<std::string, Result<RemotingCommand>>> answers;

  /// True when all have answered; false when `give_up` became true first.
  bool wait(const std::atomic<bool>& give_up) {
    std::unique_lock lock(mutex);
    constexpr std::chrono::milliseconds kLook{20};
    while (pending != 0) {
      if (give_up) return false;
      done.wait_for(lock, kLook);
    }
    return true;
  }
  void add(const std::string& address, Result<RemotingCommand> result) {
    if (result) result->own();
    {
      const std::lock_guard lock(mutex);
      answers.emplace_back(address, std::move(result));
      --pending;
    }
    done.notify_all();
  }
};

}  // namespace

Registration::Registration(RegistrationOptions options, const BrokerIdentity& identity, remoting::Client& client)
    : options_(std::move(options)), identity_(identity), client_(client), name_servers_(split_addresses(options_.name_servers)) {}

Registration::~Registration() { stop(false); }

void Registration::set_table_source(std::function<TopicConfigTable()> source) { table_ = std::move(source); }
void Registration::set_master_listener(MasterListener listener) { on_master_ = std::move(listener); }
void Registration::set_order_listener(std::function<void(const std::vector<std::string>&)> listener) { on_order_ = std::move(listener); }

void Registration::start() {
  if (name_servers_.empty() || thread_.joinable()) return;
  due_ = true;
  thread_ = std::thread([this] { loop(); });
}

void Registration::register_soon() {
  {
    const std::lock_guard lock(mutex_);
    due_ = true;
  }
  wake_.notify_all();
}

void Registration::loop() {
  ::pthread_setname_np(::pthread_self(), "registration");
  // A name server that could not be reached is tried again well before the period ends: a broker often starts first.
  constexpr std::chrono::milliseconds kRetryDelay{1'000};
  std::unique_lock lock(mutex_);
  auto next = std::chrono::steady_clock::now();
  while (!stopping_) {
    wake_.wait_until(lock, next, [this] { return stopping_ || due_; });
    if (stopping_) return;
    due_ = false;
    lock.unlock();
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t taken = register_at_all();
    const auto end = std::chrono::steady_clock::now();
    next = end + (taken == name_servers_.size() ? options_.interval : kRetryDelay);
    lock.lock();
    // The whole table goes out each time. While topics are made by the thousand that takes a fifth of the time at most; one that is made
    // alone is told at once.
    const auto rest = std::min<std::chrono::steady_clock::duration>((end - begin) * 4, kRetryDelay);
    wake_.wait_until(lock, end + rest, [this] { return stopping_.load(); });
  }
}

std::size_t Registration::register_now() {
  if (name_servers_.empty()) return 0;
  return register_at_all();
}

std::size_t Registration::register_at_all() {
  const std::lock_guard one_at_a_time(register_mutex_);
  const std::string body = registration_body(table_ ? table_() : TopicConfigTable{});
  const RegisterBrokerRequestHeader header{.broker_name = identity_.name,
                                           .broker_addr = identity_.address,
                                           .cluster_name = identity_.cluster,
                                           .ha_server_addr = identity_.ha_address,
                                           .broker_id = identity_.id,
                                           .heartbeat_timeout_ms = options_.expiry.count(),
                                           .enable_acting_master = std::nullopt,
                                           .compressed = false,
                                           .body_crc32 = static_cast<std::int32_t>(crc32_31(body)),
                                           .zone_name = std::nullopt};
  const auto round = std::make_shared<Round>();
  round->pending = name_servers_.size();
  for (const std::string& address : name_servers_) {
    client_.invoke(address, make_request(to_int(RequestCode::register_broker), header, Body(body)), options_.timeout,
                   [round, address](Result<RemotingCommand> result) { round->add(address, std::move(result)); });
  }
  if (!round->wait(stopping_)) return 0;

  std::size_t taken = 0;
  for (auto& [address, result] : round->answers) {
    if (!result || result->code != to_int(ResponseCode::success)) {
      log::warn("registration at name server {} failed: {}", address, result ? result->remark : result.error().message());
      continue;
    }
    ++taken;
    if (const auto answer = decode_header<RegisterBrokerResponseHeader>(*result)) {
      master_known_ = !answer->master_addr.value_or("").empty();
      if (on_master_) on_master_(answer->ha_server_addr.value_or(""), answer->master_addr.value_or(""));
    }
    if (!on_order_ || result->body.empty()) continue;
    const auto table = json::parse(result->body.view());
    if (!table) continue;
    std::vector<std::string> topics;
    for (const auto& [topic, queues] : (*table)["table"].members()) topics.push_back(topic.as_string());
    on_order_(topics);
  }
  return taken;
}

void Registration::stop(bool unregister) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (!unregister) return;
  constexpr std::chrono::milliseconds kUnregisterTimeout{3'000};
  const UnregisterBrokerRequestHeader header{
      .broker_name = identity_.name, .broker_addr = identity_.address, .cluster_name = identity_.cluster, .broker_id = identity_.id};
  const auto round = std::make_shared<Round>();
  round->pending = name_servers_.size();
  for (const std::string& address : name_servers_) {
    client_.invoke(address, make_request(to_int(RequestCode::unregister_broker), header), kUnregisterTimeout,
                   [round, address](Result<RemotingCommand> result) { round->add(address, std::move(result)); });
  }
  const std::atomic<bool> never{false};
  round->wait(never);
}

}  // namespace skylark::broker
