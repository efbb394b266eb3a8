// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/broker_config.h"
#include "broker/broker_stats.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/handlers/client_manage.h"
#include "broker/handlers/consumer_offset.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/pull_message.h"
#include "broker/handlers/send_message.h"
#include "broker/held_pulls.h"
#include "broker/message_hooks.h"
#include "broker/producer_manager.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "protocol/pull_headers.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "protocol/send_headers.h"
#include "tests/support/catch.h"
#include "tests/support/fake_connection.h"
#include "tests/support/fake_message_store.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {

/// Of the messages in the answer to a pull.
inline std::vector<std::string> bodies(const RemotingCommand& response) {
  std::vector<std::string> all;
  const std::string bytes = response.body.to_string();
  const auto records = decode_records(bytes);
  REQUIRE(records);
  for (const MessageView& record : *records) all.emplace_back(record.body);
  return all;
}

/// The handlers of the core over a store in memory and connections without sockets. Settings are changed before `open()`.
struct CoreFixture {
  void open() {
    config.broker.broker_name.set_value("broker-a");
    config.broker.ip1.set_value("10.0.0.1");
    config.settle();
    identity.name = "broker-a";
    identity.cluster = "ClusterA";
    identity.id = config.broker.broker_id.get();
    identity.store_host = *Host::parse("10.0.0.1:10911");
    TopicManagerOptions options;
    options.path = folder.path() + "/topics.json";
    options.broker_name = identity.name;
    options.cluster_name = identity.cluster;
    options.auto_create = config.broker.auto_create_topic.get();
    topics = std::make_unique<TopicConfigManager>(options, *files, clock);
    groups =
        std::make_unique<SubscriptionGroupManager>(folder.path() + "/groups.json", config.broker.auto_create_group.get(), *files, clock);
    REQUIRE(topics->load());
    REQUIRE(groups->load());
    TopicConfig topic;
    topic.name = "T";
    topic.read_queues = topic.write_queues = 4;
    topics->update(topic);
    send = std::make_unique<SendMessageHandler>(config, identity, *topics, store, stats, hooks, clock);
    pull = std::make_unique<PullMessageHandler>(config, PullParts{.topics = *topics,
                                                                  .groups = *groups,
                                                                  .consumers = consumers,
                                                                  .offsets = offsets,
                                                                  .store = store,
                                                                  .held_pulls = held,
                                                                  .cold_reads = cold_reads,
                                                                  .filters = filters,
                                                                  .stats = stats,
                                                                  .clock = clock,
                                                                  .master_known = [this] { return master_known; }});
    store.set_arrival_listener([this](const ArrivedMessage& message) { held.on_arrival(message); });
  }

  /// The answer of a handler: returned, or sent on the connection.
  RemotingCommand answer_of(remoting::Reply reply) {
    if (reply.has_response()) {
      reply.response().own();  // Its views are good until the next dispatch.
      return reply.take();
    }
    auto sent = connection->take_sent();
    REQUIRE(sent.size() == 1);
    return std::move(sent.front());
  }
  static SendMessageRequestHeader send_header(std::string_view topic = "T") {
    SendMessageRequestHeader header;
    header.producer_group = "P";
    header.topic = topic;
    header.default_topic = "TBW102";
    header.born_timestamp = 1;
    return header;
  }
  RemotingCommand send_message(const SendMessageRequestHeader& header, std::string body = "hello") {
    request = make_request(to_int(RequestCode::send_message_v2), header, Body(std::move(body)), FieldNames::short_form);
    return answer_of(send->handle(request, connection));
  }
  /// Whether the answer to a send is left for later.
  bool defers_send(const SendMessageRequestHeader& header) {
    request = make_request(to_int(RequestCode::send_message_v2), header, Body(std::string("hello")), FieldNames::short_form);
    return !send->handle(request, connection).has_response();
  }
  static PullMessageRequestHeader pull_header(std::int64_t offset, std::int32_t sys_flag = pull_flag::kSubscription) {
    PullMessageRequestHeader header;
    header.consumer_group = "G";
    header.topic = "T";
    header.queue_offset = offset;
    header.sys_flag = sys_flag;
    header.suspend_timeout_ms = 15'000;
    header.subscription = "*";
    return header;
  }
  remoting::Reply start_pull(const PullMessageRequestHeader& header) {
    request = make_request(to_int(RequestCode::pull_message), header);
    return pull->handle(request, connection);
  }
  RemotingCommand pull_now(const PullMessageRequestHeader& header) { return answer_of(start_pull(header)); }

  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  ManualClock clock;
  BrokerConfig config;
  BrokerIdentity identity;
  FakeMessageStore store{clock};
  BrokerStats stats{clock, "ClusterA"};
  MessageHooks hooks;
  ConsumerManager consumers{clock};
  ProducerManager producers{clock};
  ConsumerOffsetManager offsets{folder.path() + "/offsets.json", 500, *files, clock};
  HeldPulls held{clock, [this](const std::string& topic, std::int32_t queue_id) { return store.max_offset(topic, queue_id); },
                 [this](HeldPull waiting) { pull->resume(std::move(waiting)); }};
  ColdReads cold_reads{{.threads = 1}};
  ConsumerFilterManager filters{{.path = folder.path() + "/filters.json"}, *files, clock};
  bool master_known = true;
  std::unique_ptr<TopicConfigManager> topics;
  std::unique_ptr<SubscriptionGroupManager> groups;
  std::unique_ptr<SendMessageHandler> send;
  std::unique_ptr<PullMessageHandler> pull;
  std::shared_ptr<remoting::FakeConnection> connection = std::make_shared<remoting::FakeConnection>();
  RemotingCommand request;  ///< The last one: headers hold views into it.
};

inline ResponseCode code_of(const RemotingCommand& response) { return static_cast<ResponseCode>(response.code); }

}  // namespace skylark::broker
