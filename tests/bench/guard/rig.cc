// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/guard/rig.h"

#include <array>
#include <chrono>
#include <span>
#include <stdexcept>
#include <thread>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/broker_config.h"
#include "broker/broker_stats.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/pull_message.h"
#include "broker/handlers/send_message.h"
#include "broker/held_pulls.h"
#include "broker/message_hooks.h"
#include "broker/message_store.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "consumequeue/dispatcher.h"
#include "consumequeue/key_index.h"
#include "consumequeue/queue_table.h"
#include "protocol/message.h"
#include "protocol/pull_headers.h"
#include "protocol/send_headers.h"
#include "remoting/detail/output_queue.h"
#include "tests/support/fake_connection.h"
#include "tests/support/temporary_folder.h"

namespace skylark::guard {
namespace {

using namespace broker;

constexpr std::string_view kGroup = "GuardGroup";
// What the Java client sends along with a message that has a tag and a key.
constexpr std::string_view kProperties =
    "KEYS\x01order-4711\x02UNIQ_KEY\x01"
    "0A0000012F2C18B4AAC2000000000001\x02WAIT\x01true\x02TAGS\x01red\x02";
constexpr std::size_t kBodySize = 256;
constexpr std::size_t kLengthWordSize = 4;
constexpr std::chrono::seconds kPatience{120};

void expect(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

MessageStoreOptions store_options(const std::string& root) {
  MessageStoreOptions options;
  options.root = root;
  options.commit_log_file_size = 32 << 20;  // All that is sent fits into one: a roll would be counted by chance.
  options.index_slots = 1'000;
  options.index_entries = 40'000;
  // A full disk is no reason to refuse here.
  options.disk_used_ratio_max = options.disk_clean_ratio = options.disk_full_ratio = 2.0;
  return options;
}

std::string frame_of(RemotingCommand command, Codec codec) {
  command.codec = codec;
  command.opaque = 4711;
  command.language = Language::java;
  std::string bytes;
  encode_frame(command, bytes);
  return bytes.substr(kLengthWordSize);
}

}  // namespace

struct RequestRig::Parts {
  Parts() {
    config.broker.broker_name.set_value("broker-a");
    config.broker.ip1.set_value("10.0.0.1");
    config.settle();
    identity.name = "broker-a";
    identity.cluster = "ClusterA";
    identity.store_host = *Host::parse("10.0.0.1:10911");
    expect(topics.load() && groups.load(), "the tables cannot be loaded");
    add_topic(kTopic);
    store->set_arrival_listener([this](const ArrivedMessage& message) { held.on_arrival(message); }, [this] { return held.size() > 0; });
    expect(store->start().has_value(), "the store does not start");
    handlers.add(RequestCode::send_message_v2, send);
    handlers.add(RequestCode::pull_message, pull);
    handlers.set_on_read_end([this] { store->publish(true); });
  }
  ~Parts() { store->stop(); }

  void add_topic(std::string_view name) {
    TopicConfig topic;
    topic.name = name;
    topic.read_queues = topic.write_queues = 4;
    topics.update(topic);
  }

  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  ManualClock clock;
  BrokerConfig config;
  BrokerIdentity identity;
  std::unique_ptr<MessageStore> store = make_message_store(store_options(folder.path() + "/store"), *files, clock);
  BrokerStats stats{clock, "ClusterA"};
  MessageHooks hooks;
  ConsumerManager consumers{clock};
  ConsumerOffsetManager offsets{folder.path() + "/offsets.json", 500, *files, clock};
  HeldPulls held{clock, [this](const std::string& topic, std::int32_t queue_id) { return store->max_offset(topic, queue_id); },
                 [this](HeldPull waiting) { pull.resume(std::move(waiting)); }};
  ColdReads cold_reads{ColdReads::Limits{}};
  ConsumerFilterManager filters{{.path = folder.path() + "/filters.json"}, *files, clock};
  TopicConfigManager topics{topic_options(), *files, clock};
  SubscriptionGroupManager groups{folder.path() + "/groups.json", true, *files, clock};
  SendMessageHandler send{config, identity, topics, *store, stats, hooks, clock};
  PullMessageHandler pull{config, PullParts{.topics = topics,
                                            .groups = groups,
                                            .consumers = consumers,
                                            .offsets = offsets,
                                            .store = *store,
                                            .held_pulls = held,
                                            .cold_reads = cold_reads,
                                            .filters = filters,
                                            .stats = stats,
                                            .clock = clock,
                                            .master_known = [] { return true; }}};
  HandlerTable handlers;
  BrokerDispatcher dispatcher{handlers, false, [](const remoting::ConnectionPtr&) {}};
  remoting::ConnectionPtr connection = std::make_shared<remoting::FakeConnection>();
  remoting::detail::OutputQueue output;
  DecodeScratch scratch;

 private:
  TopicManagerOptions topic_options() const {
    TopicManagerOptions options;
    options.path = folder.path() + "/topics.json";
    options.broker_name = "broker-a";
    options.cluster_name = "ClusterA";
    return options;
  }
};

RequestRig::RequestRig() : parts_(std::make_unique<Parts>()) {}
RequestRig::~RequestRig() = default;

void RequestRig::add_topic(std::string_view name) { parts_->add_topic(name); }

std::string RequestRig::send_frame(Codec codec, std::string_view topic) {
  SendMessageRequestHeader header;
  header.producer_group = kGroup;
  header.topic = topic;
  header.default_topic = "TBW102";
  header.born_timestamp = 1'700'000'000'000;
  header.properties = kProperties;
  return frame_of(make_request(RequestCode::send_message_v2, header, Body(std::string(kBodySize, 'x')), FieldNames::short_form), codec);
}

std::string RequestRig::pull_frame(Codec codec) {
  PullMessageRequestHeader header;
  header.consumer_group = kGroup;
  header.topic = kTopic;
  header.sys_flag = pull_flag::kSubscription | pull_flag::kSuspend | pull_flag::kCommitOffset;
  header.suspend_timeout_ms = 15'000;
  header.subscription = "*";
  header.expression_type = "TAG";
  return frame_of(make_request(RequestCode::pull_message, header), codec);
}

void RequestRig::serve(std::string_view frame) {
  // As remoting/tcp_connection.cc does it.
  parts_->scratch.clear();
  Result<RemotingCommand> request = decode_frame(frame, &parts_->scratch);
  expect(request.has_value(), "the frame cannot be decoded");
  const std::int32_t opaque = request->opaque;
  const Codec codec = request->codec;
  remoting::Reply reply = parts_->dispatcher.dispatch(*request, parts_->connection);
  expect(reply.has_response(), "no answer at once");
  RemotingCommand& response = reply.response();
  expect(response.code == 0, "the request was refused");
  response.opaque = opaque;
  response.flag |= kFlagResponse;
  response.codec = codec;
  parts_->dispatcher.on_read_end();  // Here every request comes in a read of its own.
  expect(parts_->output.append(std::move(response), kFrameSizeMax).has_value(), "the answer cannot be encoded");
  std::array<std::string_view, 64> pieces;
  while (!parts_->output.empty()) {
    std::size_t size = 0;
    for (const auto piece : std::span(pieces).first(parts_->output.gather(pieces))) size += piece.size();
    parts_->output.consume(size);
  }
}

void RequestRig::wait_until_readable(std::int64_t count) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (parts_->store->max_offset(kTopic, 0) < count) {
    expect(std::chrono::steady_clock::now() < end, "the messages do not become readable");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

struct IndexRig::Parts {
  Parts() {
    expect(queues.load() && index.load(false, 0), "the indexes cannot be loaded");
    record.total_size = 512;
    record.topic = kTopic;
    record.properties = kProperties;
    record.store_timestamp = clock.now_ms();
  }

  TemporaryFolder folder;
  std::unique_ptr<FileSystem> files = make_disk_file_system();
  ManualClock clock;
  consumequeue::QueueTable queues{*files, folder.path() + "/consumequeue", 200'000};
  consumequeue::KeyIndex index{*files, clock, folder.path() + "/index", consumequeue::IndexGeometry{1'000, 40'000}};
  consumequeue::Indexer indexer{queues, &index, {}};
  MessageView record;
};

IndexRig::IndexRig() : parts_(std::make_unique<Parts>()) {}
IndexRig::~IndexRig() = default;

void IndexRig::add() {
  expect(parts_->indexer.add(parts_->record).has_value(), "the record cannot be entered");
  ++parts_->record.queue_offset;
  parts_->record.physical_offset += parts_->record.total_size;
}

}  // namespace skylark::guard
