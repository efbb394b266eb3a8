// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/service.h"
#include "protocol/message.h"

namespace skylark::remoting {
class IoPool;
class Client;
struct Counters;
}  // namespace skylark::remoting

namespace skylark::broker {

class BrokerConfig;
class BrokerStats;
class ColdReads;
class ConfigTable;
class ConsumerFilterManager;
class ConsumerManager;
class ConsumerOffsetManager;
class HandlerTable;
class HeldPulls;
class MessageStore;
class PeriodicTasks;
class ProducerManager;
class PullMessageHandler;
class QueueLockManager;
class Registration;
class SendMessageHandler;
class SubscriptionGroupManager;
class TopicConfigManager;
struct MessageHooks;

/// Who this broker is.
struct BrokerIdentity {
  std::string name;
  std::string cluster;
  std::int64_t id = 0;
  std::string address;     ///< `brokerIP1:listenPort`, as registered.
  std::string ha_address;  ///< `brokerIP2:haListenPort`.
  Host store_host;         ///< `address`, as records hold it.
  [[nodiscard]] bool is_master() const noexcept { return id == 0; }
};

/// The parts that `Broker` owns, for the wiring (`wiring_*.cc`) alone: a handler or service takes what it needs, by reference.
/// All of them outlive every handler and service.
struct BrokerParts {
  BrokerConfig& config;
  const BrokerIdentity& identity;
  Clock& clock;
  FileSystem& files;
  MessageStore& store;
  TopicConfigManager& topics;
  ConfigTable& topics_file;
  SubscriptionGroupManager& groups;
  ConfigTable& groups_file;
  ConsumerOffsetManager& offsets;
  ConsumerManager& consumers;
  ProducerManager& producers;
  QueueLockManager& locks;
  BrokerStats& stats;
  HeldPulls& held_pulls;
  ColdReads& cold_reads;
  ConsumerFilterManager& filters;
  Registration& registration;
  remoting::IoPool& pool;
  remoting::Client& client;  ///< To other brokers and name servers.
  MessageHooks& hooks;       ///< To be set by the wiring.
  HandlerTable& handlers;    ///< To be filled by the wiring.
  PeriodicTasks& periodic;   ///< Tasks may be added by the wiring.
  /// What the broker's main port counts; null before it serves.
  std::function<const remoting::Counters*()> counters;
};

/// What a wiring function has made: kept alive by the broker, services started and stopped by it.
struct Wired {
  std::vector<std::shared_ptr<void>> handlers;     ///< Destroyed last.
  std::vector<std::unique_ptr<Service>> services;  ///< Started in order.
};

/// The two handlers that hold requests: the broker resumes and drains them.
struct CoreHandlers {
  std::shared_ptr<SendMessageHandler> send;
  std::shared_ptr<PullMessageHandler> pull;
};

/// Send, pull, offsets, clients, locks. (wiring_core.cc)
CoreHandlers wire_core(BrokerParts& parts, Wired& wired);
/// Delays, transactions, send back, resets, queries and administration. (wiring_services.cc)
void wire_services(BrokerParts& parts, Wired& wired);
/// Replication. (wiring_replication.cc)
void wire_replication(BrokerParts& parts, Wired& wired);

}  // namespace skylark::broker
