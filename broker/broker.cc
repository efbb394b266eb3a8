// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "broker/broker_config.h"
#include "broker/broker_stats.h"
#include "broker/cold_reads.h"
#include "broker/config_writer.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/filter/consumer_filter_manager.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/pull_message.h"
#include "broker/handlers/send_message.h"
#include "broker/held_pulls.h"
#include "broker/json_file.h"
#include "broker/message_hooks.h"
#include "broker/message_store.h"
#include "broker/periodic_tasks.h"
#include "broker/producer_manager.h"
#include "broker/queue_lock_manager.h"
#include "broker/registration.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "remoting/client.h"
#include "remoting/io_pool.h"
#include "remoting/server.h"

namespace skylark::broker {
namespace {

using std::chrono::milliseconds;

BrokerIdentity identity_of(const BrokerConfig& config) {
  BrokerIdentity identity;
  identity.name = config.broker.broker_name.get();
  identity.cluster = config.broker.cluster_name.get();
  identity.id = config.broker.broker_id.get();
  identity.address = fmt::format("{}:{}", config.broker.ip1.get(), config.broker.listen_port.get());
  identity.ha_address = fmt::format("{}:{}", config.broker.ip2.get(), config.store.ha_listen_port.get());
  const auto host = Host::parse(identity.address);
  if (!host) throw StartError(fmt::format("brokerIP1: '{}' is not an IP address", config.broker.ip1.get()));
  identity.store_host = *host;
  return identity;
}

TopicManagerOptions topic_options(const BrokerConfig& config) {
  return {.path = config.config_path("topics.json"),
          .broker_name = config.broker.broker_name.get(),
          .cluster_name = config.broker.cluster_name.get(),
          .auto_create = config.broker.auto_create_topic.get(),
          .default_queues = config.broker.default_topic_queues.get(),
          .cluster_topic_enable = config.broker.cluster_topic.get(),
          .broker_topic_enable = config.broker.broker_topic.get(),
          .trace_topic_enable = config.broker.trace_topic.get(),
          .trace_topic = config.broker.trace_topic_name.get(),
          .timer_wheel_enable = false,
          .lmq = config.store.lmq.get()};
}

std::string_view offsets_file(const BrokerConfig& config) {
  return config.store.lmq.get() ? "lmqConsumerOffset.json" : "consumerOffset.json";
}

RegistrationOptions registration_options(const BrokerConfig& config) {
  constexpr std::int64_t kPeriodMin = 10'000, kPeriodMax = 60'000;
  RegistrationOptions options;
  options.name_servers = config.broker.name_servers.get();
  options.interval = milliseconds(std::clamp(config.broker.register_period_ms.get(), kPeriodMin, kPeriodMax));
  return options;
}

remoting::ServerOptions server_options(const BrokerConfig& config, std::int32_t port) {
  remoting::ServerOptions options;
  options.bind_address = config.broker.bind_address.get();
  options.port = static_cast<std::uint16_t>(port);
  options.idle_timeout = std::chrono::seconds(config.broker.idle_time.get());
  return options;
}

ConsumerFilterOptions filter_options(const BrokerConfig& config) {
  return {.path = config.config_path("consumerFilter.json"),
          .error_percent = config.broker.bloom_error_percent.get(),
          .consumer_count = config.broker.filter_consumer_count.get(),
          .dead_kept_ms = config.broker.filter_kept_ms.get()};
}

ColdReads::Limits cold_read_limits(const BrokerConfig& config) {
  return {.threads = config.broker.cold_read_threads.get(),
          .waiting_max = static_cast<std::size_t>(config.broker.pull_queue_max.get()),
          .bytes_max = config.broker.cold_read_bytes_max.get()};
}

}  // namespace

struct Broker::Impl {
  Impl(BrokerConfig& settings, FileSystem& file_system, Clock& clock_used, remoting::IoPool& io_pool)
      : config(settings),
        files(file_system),
        clock(clock_used),
        pool(io_pool),
        identity(identity_of(settings)),
        store(make_message_store(store_options(), file_system, clock_used)),
        topics(topic_options(settings), file_system, clock_used),
        groups(settings.config_path("subscriptionGroup.json"), settings.broker.auto_create_group.get(), file_system, clock_used,
               settings.store.lmq.get()),
        offsets(settings.config_path(offsets_file(settings)), settings.broker.consumer_offset_version_step.get(), file_system, clock_used,
                settings.store.lmq.get()),
        consumers(clock_used),
        producers(clock_used),
        locks(clock_used),
        stats(clock_used, identity.cluster),
        client(io_pool, {}),
        registration(registration_options(settings), identity, client),
        cold_reads(cold_read_limits(settings)),
        filters(filter_options(settings), file_system, clock_used),
        held_pulls(
            clock_used,
            [this](const std::string& topic, std::int32_t queue_id) {
              store->hasten();  // Asked for pulls that wait: what is stored already may be for them.
              return store->max_offset(topic, queue_id);
            },
            [this](HeldPull pull) { core.pull->resume(std::move(pull)); }),
        parts{
            config,      identity, clock,       files,      *store,    topics,
            topics_file, groups,   groups_file, offsets,    consumers, producers,
            locks,       stats,    held_pulls,  cold_reads, filters,   registration,
            pool,        client,   hooks,       handlers,   periodic,  [this] { return main_server ? &main_server->counters() : nullptr; }},
        dispatcher(handlers, false, [this](const remoting::ConnectionPtr& connection) { connection_closed(connection); }),
        fast_dispatcher(handlers, true, [this](const remoting::ConnectionPtr& connection) { connection_closed(connection); }) {
    core = wire_core(parts, wired);
    wire_services(parts, wired);
    wire_replication(parts, wired);
    wire_listeners();
    wire_periodic_tasks();
  }

  void wire_listeners() {
    store->set_arrival_listener([this](const ArrivedMessage& message) { held_pulls.on_arrival(message); },
                                [this] { return held_pulls.size() > 0; });
    topics.set_persist_listener([this] { topics_file.changed(); });
    groups.set_persist_listener([this] { groups_file.changed(); });
    topics.set_change_listener([this](const TopicConfigPtr&) { registration.register_soon(); });
    consumers.set_notify_policy([this](std::string_view group) {
      const GroupConfigPtr config_of_group = groups.find_existing(group);
      return !config_of_group || config_of_group->notify_ids_changed;
    });
    consumers.set_group_gone_listener([this](const std::string& group) { filters.unregister_group(group); });
    registration.set_table_source([this] { return registered_table(); });
    registration.set_order_listener([this](const std::vector<std::string>& ordered) {
      topics.update_order_topics(std::set<std::string>(ordered.begin(), ordered.end()));
    });
  }

  void wire_periodic_tasks() {
    periodic.add("held pulls", milliseconds(1'000), [this] { held_pulls.sweep(); });
    periodic.add("statistics", milliseconds(1'000), [this] { stats.sample(); });
    periodic.add("clients", milliseconds(10'000), [this] {
      consumers.expire();
      producers.expire();
    });
    periodic.add("consumer offsets", milliseconds(config.broker.flush_consumer_offset_ms.get()), [this] { offsets.persist(); });
    periodic.add("consumer filters", milliseconds(10'000), [this] { filters.persist(); });
  }

  /// What name servers are told: a broker that may not be written or read takes that from its topics.
  TopicConfigTable registered_table() const {
    TopicConfigTable table = topics.all();
    const std::int32_t allowed = config.broker.broker_permission.get();
    constexpr std::int32_t kReadWrite = permission::kRead | permission::kWrite;
    if ((allowed & kReadWrite) == kReadWrite) return table;
    for (auto& [name, topic] : table.topics) topic.perm &= allowed;
    return table;
  }

  void connection_closed(const remoting::ConnectionPtr& connection) {
    consumers.on_connection_closed(connection);
    producers.on_connection_closed(connection);
  }

  void load_tables() {
    const auto must = [](const Result<void>& loaded, const std::string& name) {
      if (!loaded) throw StartError(fmt::format("cannot read {} and its backup: {}", name, loaded.error().message()));
    };
    must(topics.load(), config.config_path("topics.json"));
    must(groups.load(), config.config_path("subscriptionGroup.json"));
    must(offsets.load(), config.config_path(offsets_file(config)));
    must(filters.load(), config.config_path("consumerFilter.json"));
    // The schedule service reads this one itself, once the store is there; from zero it would deliver every delayed message again.
    const std::string progress = config.config_path("delayOffset.json");
    const auto readable = read_json_file(files, progress);
    must(readable ? Result<void>() : Result<void>(readable.error()), progress);
  }

  MessageStoreOptions store_options() {
    MessageStoreOptions options = config.store_options();
    // The lock of the store comes first: the tables belong to whoever holds it. Then the topics: they say what queues they have.
    options.on_locked = [this] { load_tables(); };
    options.is_batch_topic = [this](std::string_view topic) -> std::optional<bool> {
      const TopicConfigPtr known = topics.find(topic);
      return known ? std::optional<bool>(has_batch_queues(*known)) : std::nullopt;
    };
    if (config.broker.filter_bit_map.get()) {
      options.bit_map_of = [this](std::string_view topic, std::string_view properties) { return filters.bit_map(topic, properties); };
    }
    return options;
  }

  void start_store() {
    const auto opened = store->start();
    if (opened) {
      store_started = true;
      return;
    }
    const std::string root = config.store.root.get();
    if (opened.error() == make_error_code(Errc::already_running)) {
      throw StartError(fmt::format("the store {} is in use by another process", root));
    }
    throw StartError(fmt::format("the store {} cannot be opened: {}", root, opened.error().message()));
  }

  std::unique_ptr<remoting::Server> make_server(std::int32_t port, BrokerDispatcher& target) {
    return std::make_unique<remoting::Server>(pool, server_options(config, port), target);
  }

  void listen(remoting::Server& server, std::int32_t port) {
    if (const auto listening = server.start(); !listening) {
      throw StartError(fmt::format("cannot listen on {}:{}: {}", config.broker.bind_address.get(), port, listening.error().message()));
    }
  }

  void start() {
    started = true;
    start_store();
    config_writer.start();
    for (auto& service : wired.services) {
      service->start();
      ++services_started;
    }
    cold_reads.start();
    // Both exist before either serves: requests look at the counters.
    fast_server = make_server(config.broker.fast_listen_port.get(), fast_dispatcher);
    main_server = make_server(config.broker.listen_port.get(), dispatcher);
    listen(*fast_server, config.broker.fast_listen_port.get());
    listen(*main_server, config.broker.listen_port.get());
    periodic.start();
    registration.start();
    registering = true;
  }

  void stop() {
    if (!started) return;
    started = false;
    if (main_server) main_server->stop_accepting();
    if (fast_server) fast_server->stop_accepting();
    registration.stop(registering);
    dispatcher.refuse_sends();
    fast_dispatcher.refuse_sends();
    held_pulls.stop();
    if (core.send) core.send->wait_for_pending(milliseconds(5'000));
    config_writer.write_changed();
    periodic.stop();
    if (main_server) main_server->stop();
    if (fast_server) fast_server->stop();
    cold_reads.stop();
    while (services_started > 0) wired.services[--services_started]->stop();
    if (store_started) {
      store->stop();
      filters.persist();
      offsets.persist();
    }
    config_writer.stop();
    client.stop();
  }

  BrokerConfig& config;
  FileSystem& files;
  Clock& clock;
  remoting::IoPool& pool;
  const BrokerIdentity identity;
  std::unique_ptr<MessageStore> store;
  TopicConfigManager topics;
  SubscriptionGroupManager groups;
  ConfigWriter config_writer;
  ConfigTable topics_file{config_writer, [this] { return topics.persist(); }};
  ConfigTable groups_file{config_writer, [this] { return groups.persist(); }};
  ConsumerOffsetManager offsets;
  ConsumerManager consumers;
  ProducerManager producers;
  QueueLockManager locks;
  BrokerStats stats;
  MessageHooks hooks;
  HandlerTable handlers;
  remoting::Client client;
  Registration registration;
  CoreHandlers core;
  ColdReads cold_reads;
  ConsumerFilterManager filters;
  HeldPulls held_pulls;
  PeriodicTasks periodic;
  BrokerParts parts;
  Wired wired;
  BrokerDispatcher dispatcher;
  BrokerDispatcher fast_dispatcher;
  std::unique_ptr<remoting::Server> main_server;
  std::unique_ptr<remoting::Server> fast_server;
  std::size_t services_started = 0;
  bool store_started = false;
  bool started = false;
  bool registering = false;
};

Broker::Broker(BrokerConfig& config, FileSystem& files, Clock& clock, remoting::IoPool& pool)
    : impl_(std::make_unique<Impl>(config, files, clock, pool)) {}

Broker::~Broker() { stop(); }

void Broker::start() {
  try {
    impl_->start();
  } catch (...) {
    impl_->stop();
    throw;
  }
}

void Broker::stop() { impl_->stop(); }

const BrokerIdentity& Broker::identity() const noexcept { return impl_->identity; }
BrokerParts& Broker::parts() noexcept { return impl_->parts; }
const remoting::Counters& Broker::counters() const noexcept { return impl_->main_server->counters(); }

}  // namespace skylark::broker
