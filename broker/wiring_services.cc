// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "broker/broker_config.h"
#include "broker/consumer_manager.h"
#include "broker/consumer_offset_manager.h"
#include "broker/handlers/admin_config.h"
#include "broker/handlers/admin_groups.h"
#include "broker/handlers/admin_queues.h"
#include "broker/handlers/admin_runtime_info.h"
#include "broker/handlers/admin_stats.h"
#include "broker/handlers/admin_topics.h"
#include "broker/handlers/answers.h"
#include "broker/handlers/bound.h"
#include "broker/handlers/consumer_admin_clients.h"
#include "broker/handlers/consumer_admin_forward.h"
#include "broker/handlers/consumer_admin_offsets.h"
#include "broker/handlers/end_transaction.h"
#include "broker/handlers/on_worker.h"
#include "broker/handlers/query_message.h"
#include "broker/handlers/reset_offset.h"
#include "broker/handlers/retry_send.h"
#include "broker/handlers/send_back.h"
#include "broker/held_pulls.h"
#include "broker/message_hooks.h"
#include "broker/parts.h"
#include "broker/producer_manager.h"
#include "broker/registration.h"
#include "broker/schedule/schedule_service.h"
#include "broker/schedule/scheduled_message.h"
#include "broker/topic_config_manager.h"
#include "broker/topic_names.h"
#include "broker/transaction/half_message.h"
#include "broker/transaction/transaction_service.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

/// Makes a handler that lives as long as the broker.
template <class Handler, class... Arguments>
Handler& make_handler(Wired& wired, Arguments&&... arguments) {
  const auto handler = std::make_shared<Handler>(std::forward<Arguments>(arguments)...);
  wired.handlers.push_back(handler);
  return *handler;
}

DelayLevels delay_levels(const BrokerConfig& config) {
  const std::string text = config.store.delay_levels.get();
  auto levels = DelayLevels::parse(text);
  if (!levels) throw ConfigError(fmt::format("messageDelayLevel: '{}' is no list such as 1s 5s 10s", text));
  return std::move(*levels);
}

ScheduleService& wire_delays(BrokerParts& parts, Wired& wired) {
  ScheduleOptions options;
  options.progress_path = parts.config.config_path("delayOffset.json");
  options.persist_interval_ms = parts.config.store.flush_delay_offset_ms.get();
  options.deliver = !parts.config.is_slave();
  auto service = std::make_unique<ScheduleService>(parts.store, delay_levels(parts.config), options, parts.files, parts.clock);
  ScheduleService& schedule = *service;
  wired.services.push_back(std::move(service));

  parts.hooks.delay = [&levels = schedule.levels()](PutMessage& message, OwnedParts& owned) {
    redirect_to_schedule_topic(message, owned.topic, owned.properties, levels);
  };
  parts.handlers.add(RequestCode::get_all_delay_offset, [&schedule](RemotingCommand& request, const remoting::ConnectionPtr&) {
    RemotingCommand response = answer(request, ResponseCode::success);
    response.body = Body(json::write(schedule.progress_json()));
    return response;
  });
  return schedule;
}

HalfCheckPorts check_ports(BrokerParts& parts) {
  HalfCheckPorts ports;
  ports.query_progress = [&offsets = parts.offsets](std::string_view topic) {
    return offsets.query(names::kTransactionGroup, topic, kHalfQueue);
  };
  ports.commit_progress = [&offsets = parts.offsets](std::string_view topic, std::int64_t offset) {
    offsets.commit(names::kTransactionGroup, topic, kHalfQueue, offset);
  };
  ports.send_check = [&producers = parts.producers](std::string_view group, RemotingCommand check) {
    const auto client = producers.next_client(group);
    if (!client) return false;
    check.codec = client->connection->preferred_codec();
    client->connection->invoke_one_way(std::move(check));
    return true;
  };
  ports.need_given_up_topic = [&topics = parts.topics] {
    topics.create_if_absent(names::kCheckMaxTimeTopic, 1, permission::kRead | permission::kWrite);
  };
  return ports;
}

void wire_transactions(BrokerParts& parts, Wired& wired) {
  const BrokerSection& settings = parts.config.broker;
  TransactionOptions options;
  options.check.timeout_ms = settings.transaction_timeout_ms.get();
  options.check.count_max = settings.transaction_check_max.get();
  options.check.reserved_ms = parts.config.store.file_reserved_hours.get() * 3'600'000LL;
  options.check.broker_name = parts.identity.name;
  options.check.store_host = parts.identity.store_host;
  options.check_interval_ms = settings.transaction_check_interval_ms.get();
  options.op_body_size_max = settings.transaction_op_bytes_max.get();
  options.op_interval_ms = settings.transaction_op_interval_ms.get();
  auto service = std::make_unique<TransactionService>(parts.store, parts.clock, options, check_ports(parts), parts.hooks.delay);
  auto& end = make_handler<EndTransactionHandler>(wired, *service, parts.config.is_slave());
  if (parts.config.is_slave()) {
    wired.handlers.push_back(std::shared_ptr<void>(std::move(service)));  // Only masters end and check; it is never started.
  } else {
    wired.services.push_back(std::move(service));
  }
  parts.hooks.prepare_transaction = [](PutMessage& message, OwnedParts& owned) {
    redirect_to_half_topic(message, owned.topic, owned.properties);
  };
  parts.handlers.add(RequestCode::end_transaction, bound(end, &EndTransactionHandler::end));
  parts.handlers.add(RequestCode::resume_check_half_message, bound(end, &EndTransactionHandler::resume));
}

void wire_retries(BrokerParts& parts, Wired& wired) {
  auto& retry_send = make_handler<RetrySendPath>(wired, parts.topics, parts.groups, parts.locks);
  parts.hooks.retry_send = [&retry_send](const RetrySend& send, PutMessage& message, OwnedParts& owned) {
    return retry_send.redirect(send, message, owned);
  };
  SendBackOptions options{.ip = parts.config.broker.ip1.get(), .store_host = parts.identity.store_host, .replica = parts.config.is_slave()};
  auto& send_back = make_handler<SendBackHandler>(wired, parts.store, parts.topics, parts.groups, parts.stats, parts.hooks,
                                                  parts.config.broker.broker_permission, std::move(options));
  parts.handlers.add(RequestCode::consumer_send_msg_back, on_worker(parts.cold_reads, bound(send_back, &SendBackHandler::handle)));
}

void wire_queries(BrokerParts& parts, Wired& wired) {
  auto& query = make_handler<QueryMessageHandler>(wired, parts.store, parts.config.store.query_count_max.get(),
                                                  parts.config.store.default_query_count.get());
  parts.handlers.add(RequestCode::query_message, on_worker(parts.cold_reads, bound(query, &QueryMessageHandler::by_key)));
  parts.handlers.add(RequestCode::view_message_by_id, on_worker(parts.cold_reads, bound(query, &QueryMessageHandler::by_offset)));
  auto& queues = make_handler<QueueAdmin>(wired, parts.store, parts.topics, parts.consumers);
  parts.handlers.add(RequestCode::query_consume_queue, on_worker(parts.cold_reads, bound(queues, &QueueAdmin::entries)));
  parts.handlers.add(RequestCode::clean_expired_consumequeue, bound(queues, &QueueAdmin::clean_expired_queues));
  parts.handlers.add(RequestCode::delete_expired_commitlog, bound(queues, &QueueAdmin::delete_expired));
}

void wire_topics_and_groups(BrokerParts& parts, Wired& wired) {
  auto& topics = make_handler<TopicAdmin>(wired, parts.store, parts.topics, parts.topics_file, parts.offsets);
  parts.handlers.add(RequestCode::update_and_create_topic, bound(topics, &TopicAdmin::update));
  parts.handlers.add(RequestCode::update_and_create_topic_list, bound(topics, &TopicAdmin::update_list));
  parts.handlers.add(RequestCode::get_all_topic_config, bound(topics, &TopicAdmin::list));
  parts.handlers.add(RequestCode::delete_topic_in_broker, bound(topics, &TopicAdmin::remove));
  parts.handlers.add(RequestCode::get_system_topic_list_from_broker, bound(topics, &TopicAdmin::system_topics));
  parts.handlers.add(RequestCode::clean_unused_topic, bound(topics, &TopicAdmin::clean_unused));
  parts.handlers.add(RequestCode::get_topic_config, bound(topics, &TopicAdmin::get));
  auto& groups = make_handler<GroupAdmin>(wired, parts.groups, parts.groups_file, parts.offsets);
  parts.handlers.add(RequestCode::update_and_create_subscriptiongroup, bound(groups, &GroupAdmin::update));
  parts.handlers.add(RequestCode::update_and_create_subscriptiongroup_list, bound(groups, &GroupAdmin::update_list));
  parts.handlers.add(RequestCode::get_all_subscriptiongroup_config, bound(groups, &GroupAdmin::list));
  parts.handlers.add(RequestCode::delete_subscriptiongroup, bound(groups, &GroupAdmin::remove));
  parts.handlers.add(RequestCode::get_subscriptiongroup_config, bound(groups, &GroupAdmin::get));
  parts.handlers.add(RequestCode::update_and_get_group_forbidden, bound(groups, &GroupAdmin::forbid));
}

void wire_consumer_admin(BrokerParts& parts, Wired& wired) {
  auto& reset = make_handler<ResetOffsetHandler>(
      wired, parts.store, parts.topics, parts.groups, parts.offsets, parts.consumers, parts.config.broker.server_side_reset,
      ResetOffsetOptions{
          .broker_name = parts.identity.name,
          .replica = parts.config.is_slave(),
          .wake_pulls = [&held = parts.held_pulls](const std::string& topic, std::int32_t queue_id) { held.wake_queue(topic, queue_id); }});
  parts.handlers.add(RequestCode::invoke_broker_to_reset_offset, on_worker(parts.cold_reads, bound(reset, &ResetOffsetHandler::reset)));
  parts.handlers.add(RequestCode::invoke_broker_to_get_consumer_status, bound(reset, &ResetOffsetHandler::consumer_status));
  auto& offsets = make_handler<ConsumerOffsetAdmin>(wired, parts.topics, parts.offsets, parts.consumers);
  parts.handlers.add(RequestCode::get_all_consumer_offset, bound(offsets, &ConsumerOffsetAdmin::all));
  parts.handlers.add(RequestCode::query_correction_offset, bound(offsets, &ConsumerOffsetAdmin::correction));
  parts.handlers.add(RequestCode::clone_group_offset, bound(offsets, &ConsumerOffsetAdmin::clone));
  auto& clients = make_handler<ClientAdmin>(wired, parts.consumers, parts.producers);
  parts.handlers.add(RequestCode::get_consumer_connection_list, bound(clients, &ClientAdmin::consumer_connections));
  parts.handlers.add(RequestCode::get_producer_connection_list, bound(clients, &ClientAdmin::producer_connections));
  parts.handlers.add(RequestCode::get_all_producer_info, bound(clients, &ClientAdmin::all_producers));
  parts.handlers.add(RequestCode::query_subscription_by_consumer, bound(clients, &ClientAdmin::subscription));
  auto& forward = make_handler<ConsumerForward>(wired, parts.store, parts.topics, parts.groups, parts.consumers, parts.identity.name);
  parts.handlers.add(RequestCode::get_consumer_running_info, bound(forward, &ConsumerForward::running_info));
  parts.handlers.add(RequestCode::consume_message_directly,
                     on_worker(parts.cold_reads, bound(forward, &ConsumerForward::consume_directly)));
}

void wire_stats(BrokerParts& parts, Wired& wired, ScheduleService& schedule) {
  auto& stats =
      make_handler<StatsAdmin>(wired, parts.store, parts.topics, parts.groups, parts.offsets, parts.consumers, parts.stats, parts.clock,
                               StatsAdmin::Identity{.broker_name = parts.identity.name, .address = parts.identity.address});
  parts.handlers.add(RequestCode::get_topic_stats_info, on_worker(parts.cold_reads, bound(stats, &StatsAdmin::topic_stats)));
  parts.handlers.add(RequestCode::get_consume_stats, on_worker(parts.cold_reads, bound(stats, &StatsAdmin::consume_stats)));
  parts.handlers.add(RequestCode::get_broker_consume_stats, on_worker(parts.cold_reads, bound(stats, &StatsAdmin::all_consume_stats)));
  parts.handlers.add(RequestCode::query_topic_consume_by_who, bound(stats, &StatsAdmin::groups_of_topic));
  parts.handlers.add(RequestCode::query_topics_by_consumer, bound(stats, &StatsAdmin::topics_of_group));
  parts.handlers.add(RequestCode::query_consume_time_span, on_worker(parts.cold_reads, bound(stats, &StatsAdmin::consume_time_span)));
  parts.handlers.add(RequestCode::view_broker_stats_data, bound(stats, &StatsAdmin::broker_stats));
  auto& runtime = make_handler<RuntimeInfo>(
      wired, parts.config, parts.store, parts.stats, parts.files, parts.clock, [&schedule] { return schedule.progress(); }, parts.counters);
  parts.handlers.add(RequestCode::get_broker_runtime_info, bound(runtime, &RuntimeInfo::get));
  auto& config = make_handler<ConfigAdmin>(wired, parts.config.all(), parts.clock, parts.config.broker.config_black_list.get(),
                                           parts.config.config_path("broker.properties"),
                                           [&registration = parts.registration] { registration.register_soon(); });
  parts.handlers.add(RequestCode::get_broker_config, bound(config, &ConfigAdmin::get));
  parts.handlers.add(RequestCode::update_broker_config, bound(config, &ConfigAdmin::update));
  // No topic is consumed in another mode than PULL; replicas ask for the table of those that are.
  parts.handlers.add(RequestCode::get_all_message_request_mode, [](RemotingCommand& request, const remoting::ConnectionPtr&) {
    RemotingCommand response = answer(request, ResponseCode::success);
    response.body = Body(std::string(R"({"messageRequestModeMap":{}})"));
    return response;
  });
}

}  // namespace

void wire_services(BrokerParts& parts, Wired& wired) {
  ScheduleService& schedule = wire_delays(parts, wired);
  wire_transactions(parts, wired);
  wire_retries(parts, wired);
  wire_queries(parts, wired);
  wire_topics_and_groups(parts, wired);
  wire_consumer_admin(parts, wired);
  wire_stats(parts, wired, schedule);
}

}  // namespace skylark::broker
