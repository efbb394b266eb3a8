// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/parts.h"
#include "protocol/bodies/topic_config.h"

namespace skylark::broker {

struct RegistrationOptions {
  std::string name_servers;                    ///< `a:1;b:2`; empty: nothing is done.
  std::chrono::milliseconds interval{30'000};  ///< registerNameServerPeriod, already clamped to 10-60 s.
  std::chrono::milliseconds timeout{24'000};   ///< Of one registration call.
  std::chrono::milliseconds expiry{120'000};   ///< heartbeatTimeoutMillis: how long a name server trusts the last one.
};

/// Keeps this broker registered at all name servers: at once, every 30 s, and after changes. Source: BrokerOuterAPI.registerBrokerAll.
/// Threads: any; the listeners run on its own thread.
class Registration {
 public:
  Registration(RegistrationOptions options, const BrokerIdentity& identity, remoting::Client& client);
  ~Registration();  ///< Stops without unregistering.
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  /// The whole table as it is now; called before each registration.
  void set_table_source(std::function<TopicConfigTable()> source);
  /// A replica's answer: address of the master's replication port and of its remoting port; empty when there is no master.
  /// Called after each registration on a name server that answered. Set before `start()`.
  using MasterListener = std::function<void(const std::string& ha_address, const std::string& master_address)>;
  void set_master_listener(MasterListener listener);
  /// The ordered topics of the name server's table, when it has one.
  void set_order_listener(std::function<void(const std::vector<std::string>& topics)> listener);

  void start();
  /// Registers all again: at once, or a little later when that was done just now, so that many changes in a row share a registration.
  void register_soon();
  /// Registers and waits until every name server has answered or failed. Number of those that took it.
  std::size_t register_now();
  /// Whether the last answer named a master of this broker's group (always false on a master itself).
  [[nodiscard]] bool master_known() const noexcept { return master_known_; }
  [[nodiscard]] const std::vector<std::string>& name_servers() const noexcept { return name_servers_; }
  /// Stops the thread and, with `unregister`, takes this broker out of every name server (bounded wait).
  void stop(bool unregister);

 private:
  void loop();
  std::size_t register_at_all();

  const RegistrationOptions options_;
  const BrokerIdentity& identity_;
  remoting::Client& client_;
  const std::vector<std::string> name_servers_;
  std::function<TopicConfigTable()> table_;
  MasterListener on_master_;
  std::function<void(const std::vector<std::string>&)> on_order_;
  std::atomic<bool> master_known_{false};
  std::mutex register_mutex_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool due_ = false;
  std::atomic<bool> stopping_{false};  ///< Changed with `mutex_` held, so that the thread does not miss it.
  std::thread thread_;
};

}  // namespace skylark::broker
