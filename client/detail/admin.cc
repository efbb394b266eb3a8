// SPDX-License-Identifier: Apache-2.0
#include "client/admin.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <sstream>
#include <utility>

#include "client/detail/consumer_api.h"
#include "client/detail/identity.h"
#include "client/detail/instance.h"
#include "client/detail/records.h"
#include "client/detail/wire_queue.h"
#include "protocol/admin_headers.h"
#include "protocol/bodies/body.h"
#include "protocol/bodies/connections.h"
#include "protocol/bodies/offsets.h"
#include "protocol/bodies/stats.h"
#include "protocol/bodies/subscription_group.h"
#include "protocol/bodies/topic_config.h"
#include "protocol/message.h"
#include "protocol/query_headers.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"

namespace skylark::client {

namespace {

constexpr milliseconds kAdminTimeout{5'000};
constexpr milliseconds kRoutePoll{50};

bool has_key(const ReceivedMessage& message, const std::string& key) {
  std::istringstream keys(message.keys());
  std::string one;
  while (keys >> one) {
    if (one == key) return true;
  }
  return false;
}

}  // namespace

struct Admin::Impl {
  explicit Impl(const ClientOptions& options) : instance(options, nullptr) {}
  [[nodiscard]] Core& core() { return instance.core(); }

  /// Addresses of all masters.
  Task<Outcome<std::set<std::string>>> masters() {
    std::function<RemotingCommand()> make = [] {
      RemotingCommand request;
      request.code = to_int(RequestCode::get_broker_cluster_info);
      return request;
    };
    Outcome<RemotingCommand> answer = co_await instance.ask_name_server(std::move(make));
    if (!answer) co_return answer.error();
    const auto info = decode_body<ClusterInfo>(answer->body.view());
    if (!info) co_return Failure(info.error(), "the list of brokers cannot be read");
    std::set<std::string> addresses;
    for (const auto& [name, broker] : info->broker_addr_table) {
      if (const auto master = broker.broker_addrs.find(0); master != broker.broker_addrs.end()) addresses.insert(master->second);
    }
    if (addresses.empty()) co_return Failure(Errc::not_found, "the name server knows no broker");
    co_return addresses;
  }

  /// Addresses of the masters that serve a topic.
  Task<Outcome<std::set<std::string>>> masters_of(std::string topic) {
    Outcome<RoutePtr> route = co_await instance.route(topic, true);
    if (!route) co_return route.error();
    std::set<std::string> addresses;
    for (const BrokerData& broker : (*route)->broker_datas) {
      if (const auto master = broker.broker_addrs.find(0); master != broker.broker_addrs.end()) addresses.insert(master->second);
    }
    co_return addresses;
  }

  /// One request to each of these; the answers by address, or the first failure.
  Task<Outcome<std::map<std::string, RemotingCommand>>> ask_all(std::set<std::string> addresses, std::function<RemotingCommand()> make) {
    std::map<std::string, RemotingCommand> answers;
    for (const std::string& address : addresses) {
      Outcome<RemotingCommand> answer = co_await instance.call_address(address, make(), kAdminTimeout);
      if (!answer) co_return answer.error();
      answers.emplace(address, std::move(*answer));
    }
    co_return answers;
  }

  Task<Outcome<>> tell_all_masters(std::function<RemotingCommand()> make) {
    Outcome<std::set<std::string>> addresses = co_await masters();
    if (!addresses) co_return addresses.error();
    auto answers = co_await ask_all(std::move(*addresses), std::move(make));
    if (!answers) co_return answers.error();
    co_return Outcome<>();
  }

  Task<Outcome<>> await_route(std::string topic, milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (true) {
      Outcome<std::set<std::string>> all = co_await masters();
      Outcome<std::set<std::string>> own = co_await masters_of(topic);
      if (all && own && *own == *all) co_return Outcome<>();
      if (std::chrono::steady_clock::now() >= deadline) {
        co_return Failure(Errc::timed_out, "no route of topic " + topic + (own ? "" : ": " + own.error().describe()));
      }
      const bool goes_on = co_await core().sleep(kRoutePoll);
      if (!goes_on) co_return Failure(Errc::closed, "the client is shutting down");
    }
  }

  Task<Outcome<OffsetTable>> reset(std::string group, std::string topic, std::int64_t timestamp_ms) {
    Outcome<std::set<std::string>> addresses = co_await masters_of(topic);
    if (!addresses) co_return addresses.error();
    std::function<RemotingCommand()> make = [&] {
      ResetOffsetRequestHeader header;
      header.topic = topic;
      header.group = group;
      header.timestamp = timestamp_ms;
      header.force = true;
      return make_request(to_int(RequestCode::invoke_broker_to_reset_offset), header);
    };
    auto answers = co_await ask_all(std::move(*addresses), std::move(make));
    if (!answers) co_return answers.error();
    OffsetTable offsets;
    for (const auto& [address, answer] : *answers) {
      const auto body = decode_body<ResetOffsetBody>(answer.body.view());
      if (!body) co_return Failure(body.error(), "the new offsets cannot be read");
      offsets.merge(from_wire(body->offsets));
    }
    co_return offsets;
  }

  Task<Outcome<ReceivedMessage>> by_offset_id(std::string text) {
    const auto id = parse_offset_message_id(text);
    if (!id) co_return Failure(id.error(), "'" + text + "' is no offset id");
    ViewMessageRequestHeader header;
    header.physical_offset = id->physical_offset;
    RemotingCommand request = make_request(to_int(RequestCode::view_message_by_id), header);
    Outcome<RemotingCommand> answer = co_await instance.call_address(id->host.to_string(), std::move(request), kAdminTimeout);
    if (!answer) co_return answer.error();
    auto messages = decode_messages(answer->body.view(), "");
    if (!messages || messages->empty()) co_return Failure(Errc::malformed, "the message cannot be read");
    co_return std::move(messages->front());
  }

  Task<Outcome<std::vector<ReceivedMessage>>> by_key(QueryMessageRequestHeader header) {
    Outcome<RoutePtr> route = co_await instance.route(header.topic);
    if (!route) co_return route.error();
    std::vector<ReceivedMessage> found;
    for (const BrokerData& broker : (*route)->broker_datas) {
      const auto address = instance.address(broker.broker_name, 0, true);
      if (!address) continue;
      RemotingCommand request = make_request(to_int(RequestCode::query_message), header);
      Outcome<RemotingCommand> answer = co_await instance.call_address(*address, std::move(request), kAdminTimeout);
      if (!answer && answer.error().response_code() == to_int(ResponseCode::query_not_found)) continue;
      if (!answer) co_return answer.error();
      auto messages = decode_messages(answer->body.view(), broker.broker_name);
      if (!messages) co_return Failure(messages.error(), "the messages found cannot be read");
      const bool unique = header.unique_key_query == "true";
      for (ReceivedMessage& message : *messages) {  // The index knows hash codes alone.
        if (message.topic == header.topic && (unique ? message.message_id == header.key : has_key(message, header.key))) {
          found.push_back(std::move(message));
        }
      }
    }
    co_return found;
  }

  Task<Outcome<ReceivedMessage>> by_unique_key(std::string topic, std::string unique_key) {
    QueryMessageRequestHeader header;
    header.topic = topic;
    header.key = unique_key;
    header.count_max = 32;
    header.end_timestamp = std::numeric_limits<std::int64_t>::max();
    header.unique_key_query = "true";
    Outcome<std::vector<ReceivedMessage>> found = co_await by_key(std::move(header));
    if (!found) co_return found.error();
    if (found->empty()) co_return Failure(Errc::not_found, "no message " + unique_key + " in topic " + topic);
    co_return std::move(found->front());
  }

  Task<Outcome<std::vector<QueueProgress>>> stats(std::string group, std::string topic) {
    Outcome<std::set<std::string>> addresses = co_await masters_of(topic);
    if (!addresses) co_return addresses.error();
    std::function<RemotingCommand()> make = [&] {
      GetConsumeStatsRequestHeader header;
      header.consumer_group = group;
      header.topic = topic;
      return make_request(to_int(RequestCode::get_consume_stats), header);
    };
    auto answers = co_await ask_all(std::move(*addresses), std::move(make));
    if (!answers) co_return answers.error();
    std::vector<QueueProgress> rows;
    for (const auto& [address, answer] : *answers) {
      const auto body = decode_body<ConsumeStats>(answer.body.view());
      if (!body) co_return Failure(body.error(), "the progress of the group cannot be read");
      for (const auto& [queue, offsets] : body->offset_table) {
        QueueProgress& row = rows.emplace_back();
        row.queue = from_wire(queue);
        row.broker_offset = offsets.broker_offset;
        row.consumer_offset = offsets.consumer_offset;
      }
    }
    std::ranges::sort(rows, {}, &QueueProgress::queue);
    co_return rows;
  }

  Task<Outcome<std::vector<std::string>>> members(std::string group) {
    Outcome<std::set<std::string>> addresses = co_await masters();
    if (!addresses) co_return addresses.error();
    std::set<std::string> ids;
    for (const std::string& address : *addresses) {
      GetConsumerConnectionListRequestHeader header;
      header.consumer_group = group;
      RemotingCommand request = make_request(to_int(RequestCode::get_consumer_connection_list), header);
      Outcome<RemotingCommand> answer = co_await instance.call_address(address, std::move(request), kAdminTimeout);
      if (!answer && answer.error().response_code() == to_int(ResponseCode::consumer_not_online)) continue;
      if (!answer) co_return answer.error();
      const auto body = json::parse(answer->body.view());
      if (!body) continue;
      for (const json::Value& item : (*body)["connectionSet"].items()) ids.insert(item["clientId"].as_string());
    }
    co_return std::vector<std::string>(ids.begin(), ids.end());
  }

  Instance instance;
};

Admin::Admin(ClientOptions options) : impl_(std::make_unique<Impl>(options)) {}
Admin::~Admin() { shutdown(); }

Outcome<> Admin::start() { return impl_->instance.start(); }
void Admin::shutdown() { impl_->core().stop(); }

Outcome<> Admin::create_topic(std::string topic, std::int32_t queue_count) {
  return impl_->core().wait(impl_->tell_all_masters([topic, queue_count] {
    CreateTopicRequestHeader header;
    header.topic = topic;
    header.default_topic = "TBW102";
    header.read_queue_nums = queue_count;
    header.write_queue_nums = queue_count;
    header.perm = permission::kRead | permission::kWrite;
    return make_request(to_int(RequestCode::update_and_create_topic), header);
  }));
}

Outcome<> Admin::await_route(std::string topic, milliseconds timeout) {
  return impl_->core().wait(impl_->await_route(std::move(topic), timeout));
}

Outcome<> Admin::create_group(std::string group, std::int32_t retry_times_max) {
  return impl_->core().wait(impl_->tell_all_masters([group, retry_times_max] {
    SubscriptionGroupConfig config;
    config.name = group;
    config.retry_times_max = retry_times_max;
    RemotingCommand request;
    request.code = to_int(RequestCode::update_and_create_subscriptiongroup);
    request.body = Body(encode_body(config));
    return request;
  }));
}

Outcome<std::map<MessageQueue, std::int64_t>> Admin::reset_offset_by_time(std::string group, std::string topic, std::int64_t timestamp_ms) {
  return impl_->core().wait(impl_->reset(std::move(group), std::move(topic), timestamp_ms));
}

Outcome<ReceivedMessage> Admin::message_by_offset_id(std::string offset_message_id) {
  return impl_->core().wait(impl_->by_offset_id(std::move(offset_message_id)));
}

Outcome<std::vector<ReceivedMessage>> Admin::messages_by_key(std::string topic, std::string key, std::int32_t count_max,
                                                             std::int64_t begin_ms, std::int64_t end_ms) {
  QueryMessageRequestHeader header;
  header.topic = std::move(topic);
  header.key = std::move(key);
  header.count_max = count_max;
  header.begin_timestamp = begin_ms;
  header.end_timestamp = end_ms;
  header.unique_key_query = "false";
  return impl_->core().wait(impl_->by_key(std::move(header)));
}

Outcome<ReceivedMessage> Admin::message_by_unique_key(std::string topic, std::string unique_key) {
  return impl_->core().wait(impl_->by_unique_key(std::move(topic), std::move(unique_key)));
}

Outcome<std::vector<QueueProgress>> Admin::consume_stats(std::string group, std::string topic) {
  return impl_->core().wait(impl_->stats(std::move(group), std::move(topic)));
}

Outcome<std::vector<std::string>> Admin::members_of(std::string group) { return impl_->core().wait(impl_->members(std::move(group))); }

}  // namespace skylark::client
