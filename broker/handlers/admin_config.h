// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "protocol/bodies/data_version.h"
#include "remoting/dispatcher.h"

namespace skylark {
class Config;
}

namespace skylark::broker {

/// Codes 25 and 26: the configuration as tools read and change it.
/// Threads: any. Source: AdminBrokerProcessor.java updateBrokerConfig, getBrokerConfig.
class ConfigAdmin {
 public:
  /// `black_list`: keys, separated by `;`, that may not be changed. `save_path`: file for changes when the broker was started without one.
  /// `on_permission_change`: the name servers must hear of it.
  ConfigAdmin(Config& config, Clock& clock, std::string black_list, std::string save_path, std::function<void()> on_permission_change)
      : config_(config),
        clock_(clock),
        black_list_(std::move(black_list)),
        save_path_(std::move(save_path)),
        on_permission_change_(std::move(on_permission_change)) {
    version_.timestamp = clock.now_ms();
  }

  remoting::Reply get(RemotingCommand& request);
  remoting::Reply update(RemotingCommand& request);

 private:
  Config& config_;
  Clock& clock_;
  const std::string black_list_;
  const std::string save_path_;
  const std::function<void()> on_permission_change_;
  std::mutex mutex_;
  DataVersion version_;
};

}  // namespace skylark::broker
