// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/broker_stats.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/message_hooks.h"
#include "broker/producer_manager.h"
#include "broker/queue_lock_manager.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "protocol/header_codec.h"
#include "protocol/request_code.h"
#include "protocol/response_code.h"
#include "remoting/dispatcher.h"
#include "tests/support/fake_connection.h"
#include "tests/support/fake_message_store.h"
#include "tests/support/temporary_folder.h"

namespace skylark::broker {

/// The managers of a broker over a store in memory, and requests without sockets.
struct AdminFixture {
  ManualClock clock;
  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  FakeMessageStore store{clock};
  TopicConfigManager topics{topic_options(), *files, clock};
  SubscriptionGroupManager groups{folder.path() + "/config/subscriptionGroup.json", true, *files, clock};
  ConsumerOffsetManager offsets{folder.path() + "/config/consumerOffset.json", 500, *files, clock};
  ConsumerManager consumers{clock};
  ProducerManager producers{clock};
  QueueLockManager locks{clock};
  BrokerStats stats{clock, "DefaultCluster"};
  MessageHooks hooks;
  std::shared_ptr<remoting::FakeConnection> tool = std::make_shared<remoting::FakeConnection>("10.0.0.7:40000");

  TopicManagerOptions topic_options() {
    TopicManagerOptions options;
    options.path = folder.path() + "/config/topics.json";
    options.broker_name = "broker-a";
    options.cluster_name = "DefaultCluster";
    return options;
  }

  AdminFixture() {
    (void)topics.load();
    (void)groups.load();
  }

  void add_topic(const std::string& name, std::int32_t queues = 2) {
    TopicConfig config;
    config.name = name;
    config.read_queues = config.write_queues = queues;
    topics.update(config);
  }

  PutResult send(std::string_view topic, std::string_view body, std::int32_t queue_id = 0, std::string_view properties = {},
                 std::int32_t reconsume_times = 0) {
    PutMessage message;
    message.fields.topic = topic;
    message.fields.queue_id = queue_id;
    message.fields.body = body;
    message.fields.properties = properties;
    message.fields.reconsume_times = reconsume_times;
    message.fields.born_timestamp = clock.now_ms();
    message.fields.store_host = *Host::parse("10.0.0.1:10911");
    return store.put_sync(message);
  }

  /// Brings a consumer online; its connection.
  std::shared_ptr<remoting::FakeConnection> add_consumer(const std::string& group, const std::string& client_id, const std::string& topic,
                                                         std::int32_t version = 479) {
    auto connection = std::make_shared<remoting::FakeConnection>();
    ConsumerData data;
    data.group = group;
    data.subscriptions.push_back(*SubscriptionData::parse(topic, "*"));
    consumers.register_consumer(data, ClientChannel{connection, client_id, Language::java, version, clock.now_ms()}, false);
    (void)connection->take_one_way();  // Word that the members changed.
    return connection;
  }

  template <class Header>
  static RemotingCommand request(RequestCode code, const Header& header, std::string body = {}) {
    RemotingCommand command = make_request(to_int(code), header, Body(std::move(body)));
    command.opaque = 7;
    return command;
  }

  /// The answer, given at once or through the tool's connection.
  RemotingCommand answer_of(remoting::Reply reply) {
    if (reply.has_response()) return reply.take();
    auto sent = tool->take_sent();
    if (sent.size() == 1) return std::move(sent.front());
    RemotingCommand none;
    none.code = -1;
    none.remark = "no answer";
    return none;
  }
};

[[nodiscard]] inline bool is(const RemotingCommand& response, ResponseCode code) { return response.code == to_int(code); }

}  // namespace skylark::broker
