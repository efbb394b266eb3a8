// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/file_system.h"
#include "remoting/counters.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

class BrokerConfig;
class BrokerStats;
class MessageStore;

/// Code 28: the state of this broker as some eighty texts. Dashboards and exporters read numbers out of most of them, so none is left out;
/// what this broker has no use for, such as thread pools, is 0.
/// Threads: any. Source: AdminBrokerProcessor.java prepareRuntimeInfo, StoreStatsService.java, DefaultMessageStore.java getRuntimeInfo.
class RuntimeInfo {
 public:
  using DelayProgress = std::function<std::map<std::int32_t, std::int64_t>()>;  ///< Level → offset of the next message.

  using PortCounters = std::function<const remoting::Counters*()>;  ///< Of the main port; null before it serves.

  RuntimeInfo(const BrokerConfig& config, MessageStore& store, const BrokerStats& stats, FileSystem& files, Clock& clock,
              DelayProgress delays, PortCounters counters)
      : config_(config),
        store_(store),
        stats_(stats),
        files_(files),
        clock_(clock),
        delays_(std::move(delays)),
        counters_(std::move(counters)) {}

  remoting::Reply get(RemotingCommand& request);
  [[nodiscard]] std::map<std::string, std::string> table() const;

 private:
  using Table = std::map<std::string, std::string>;
  void add_totals(Table& table) const;
  void add_store(Table& table) const;
  void add_disk(Table& table) const;
  void add_queues(Table& table) const;
  void add_counters(Table& table) const;

  const BrokerConfig& config_;
  MessageStore& store_;
  const BrokerStats& stats_;
  FileSystem& files_;
  Clock& clock_;
  const DelayProgress delays_;
  const PortCounters counters_;
};

}  // namespace skylark::broker
