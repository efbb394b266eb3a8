// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_config.h"
#include "broker/handlers/bound.h"
#include "broker/handlers/client_manage.h"
#include "broker/handlers/consumer_offset.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/on_worker.h"
#include "broker/handlers/pull_message.h"
#include "broker/handlers/queue_lock.h"
#include "broker/handlers/queue_offset.h"
#include "broker/handlers/send_message.h"
#include "broker/parts.h"
#include "broker/registration.h"

namespace skylark::broker {
namespace {

CoreHandlers wire_messages(BrokerParts& parts, Wired& wired) {
  const auto pull = std::make_shared<PullMessageHandler>(
      parts.config, PullParts{.topics = parts.topics,
                              .groups = parts.groups,
                              .consumers = parts.consumers,
                              .offsets = parts.offsets,
                              .store = parts.store,
                              .held_pulls = parts.held_pulls,
                              .cold_reads = parts.cold_reads,
                              .filters = parts.filters,
                              .stats = parts.stats,
                              .clock = parts.clock,
                              .master_known = [&registration = parts.registration] { return registration.master_known(); }});
  const auto send =
      std::make_shared<SendMessageHandler>(parts.config, parts.identity, parts.topics, parts.store, parts.stats, parts.hooks, parts.clock);
  for (const auto code : {RequestCode::send_message, RequestCode::send_message_v2, RequestCode::send_batch_message})
    parts.handlers.add(code, *send);
  parts.handlers.set_on_dispatched([send = send.get()](const remoting::ConnectionPtr& connection) { send->dispatched(connection); });
  parts.handlers.set_on_read_end([&store = parts.store] { store.publish(true); });
  for (const auto code : {RequestCode::pull_message, RequestCode::lite_pull_message}) parts.handlers.add(code, *pull);
  wired.handlers.push_back(send);
  wired.handlers.push_back(pull);
  return {.send = send, .pull = pull};
}

void wire_offsets(BrokerParts& parts, Wired& wired) {
  const auto progress = std::make_shared<ConsumerOffsetHandler>(parts.offsets, parts.topics, parts.groups, parts.store,
                                                                parts.config.broker.server_side_reset.get());
  parts.handlers.add(RequestCode::query_consumer_offset, bound(*progress, &ConsumerOffsetHandler::query));
  parts.handlers.add(RequestCode::update_consumer_offset, bound(*progress, &ConsumerOffsetHandler::update));
  const auto queues = std::make_shared<QueueOffsetHandler>(parts.store);
  parts.handlers.add(RequestCode::search_offset_by_timestamp,
                     on_worker(parts.cold_reads, bound(*queues, &QueueOffsetHandler::search_by_time)));
  parts.handlers.add(RequestCode::get_max_offset, bound(*queues, &QueueOffsetHandler::max_offset));
  parts.handlers.add(RequestCode::get_min_offset, bound(*queues, &QueueOffsetHandler::min_offset));
  parts.handlers.add(RequestCode::get_earliest_msg_storetime,
                     on_worker(parts.cold_reads, bound(*queues, &QueueOffsetHandler::earliest_store_time)));
  wired.handlers.push_back(progress);
  wired.handlers.push_back(queues);
}

void wire_clients(BrokerParts& parts, Wired& wired) {
  const auto clients =
      std::make_shared<ClientManageHandler>(parts.config, parts.consumers, parts.producers, parts.groups, parts.topics, parts.filters);
  parts.handlers.add(RequestCode::heart_beat, bound(*clients, &ClientManageHandler::heartbeat));
  parts.handlers.add(RequestCode::unregister_client, bound(*clients, &ClientManageHandler::unregister));
  parts.handlers.add(RequestCode::get_consumer_list_by_group, bound(*clients, &ClientManageHandler::consumer_list));
  parts.handlers.add(RequestCode::check_client_config, bound(*clients, &ClientManageHandler::check_config));
  const auto locks = std::make_shared<QueueLockHandler>(parts.locks);
  parts.handlers.add(RequestCode::lock_batch_mq, bound(*locks, &QueueLockHandler::lock));
  parts.handlers.add(RequestCode::unlock_batch_mq, bound(*locks, &QueueLockHandler::unlock));
  wired.handlers.push_back(clients);
  wired.handlers.push_back(locks);
}

}  // namespace

CoreHandlers wire_core(BrokerParts& parts, Wired& wired) {
  CoreHandlers core = wire_messages(parts, wired);
  wire_offsets(parts, wired);
  wire_clients(parts, wired);
  return core;
}

}  // namespace skylark::broker
