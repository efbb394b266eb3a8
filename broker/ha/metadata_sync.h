// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "broker/consumer_offset_manager.h"
#include "broker/subscription_group_manager.h"
#include "broker/topic_config_manager.h"
#include "remoting/client.h"

namespace skylark::broker {

struct MetadataSyncOptions {
  std::chrono::milliseconds interval{10'000};  ///< Between rounds.
  std::chrono::milliseconds timeout{3'000};    ///< Of one call.
  std::string own_address;                     ///< A master of that address is this broker itself: nothing is asked.
  std::string delay_offset_path;               ///< config/delayOffset.json, written verbatim.
};

/// Copies topics, groups, consumer offsets and delay progress from the master of a replica by remoting calls (21, 201, 43, 45).
/// Topics and groups are taken over whole when the data version differs; consumer offsets are merged by their manager.
/// The first round runs as soon as the master is known. Threads: one of its own; every member from any other.
/// Source: SlaveSynchronize.java 5.3.
class MetadataSync {
 public:
  MetadataSync(MetadataSyncOptions options, remoting::Client& client, TopicConfigManager& topics, SubscriptionGroupManager& groups,
               ConsumerOffsetManager& offsets, FileSystem& files);
  ~MetadataSync();  ///< Stops.
  MetadataSync(const MetadataSync&) = delete;
  MetadataSync& operator=(const MetadataSync&) = delete;

  void start();
  void stop();
  /// `host:port` of the master's remoting port; empty: none.
  void set_master(const std::string& address);

 private:
  void loop();
  void sync_all(const std::string& master);
  [[nodiscard]] Result<std::string> ask(const std::string& master, std::int32_t code);
  void sync_topics(const std::string& master);
  void sync_groups(const std::string& master);
  void sync_offsets(const std::string& master);
  void sync_delay_progress(const std::string& master);

  const MetadataSyncOptions options_;
  remoting::Client& client_;
  TopicConfigManager& topics_;
  SubscriptionGroupManager& groups_;
  ConsumerOffsetManager& offsets_;
  FileSystem& files_;
  std::string last_delay_progress_;  // Of the sync thread alone.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string master_;
  bool due_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skylark::broker
