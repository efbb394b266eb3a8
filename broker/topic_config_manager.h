// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/text_map.h"
#include "protocol/bodies/topic_config.h"

namespace skylark::broker {

struct TopicManagerOptions {
  std::string path;  ///< config/topics.json.
  std::string broker_name;
  std::string cluster_name;
  bool auto_create = true;          ///< autoCreateTopicEnable: also makes TBW102.
  std::int32_t default_queues = 8;  ///< defaultTopicQueueNums.
  bool cluster_topic_enable = true;
  bool broker_topic_enable = true;
  bool trace_topic_enable = false;
  std::string trace_topic = "RMQ_SYS_TRACE_TOPIC";
  bool timer_wheel_enable = false;
  bool lmq = false;  ///< enableLmq: every `%LMQ%...` is a topic of one queue that stands in no table. Source: LmqTopicConfigManager.java.
};

using TopicConfigPtr = std::shared_ptr<const TopicConfig>;

/// True when the attribute `queue.type` says BatchCQ: a record of the topic may hold several messages. Source: QueueTypeUtils.java.
[[nodiscard]] bool has_batch_queues(const TopicConfig& topic);

/// Topics of this broker, kept in topics.json. Source: TopicConfigManager.java.
/// Threads: any. The listeners run on the changing thread, without a lock held.
class TopicConfigManager {
 public:
  TopicConfigManager(TopicManagerOptions options, FileSystem& files, Clock& clock);

  /// Makes the system topics, then reads the file, whose entries override. Errors: those of `read_json_file`.
  [[nodiscard]] Result<void> load();
  /// Writes the table as it is now; on return it is durable. Errors of the disk are logged, and the table in memory stays the truth.
  /// It waits for the disk: to be called by one thread at a time, and by no io thread.
  [[nodiscard]] Result<void> persist() const;

  /// Null when unknown. The config it points to never changes.
  [[nodiscard]] TopicConfigPtr find(std::string_view topic) const;
  /// As `find`, for one call per message: what this thread found of late is given again, without a lock and without counting, until any
  /// topic changes. The pointer itself is good until the next call on this thread.
  [[nodiscard]] const TopicConfigPtr& find_recent(std::string_view topic) const;
  [[nodiscard]] bool contains(std::string_view topic) const { return find(topic) != nullptr; }
  [[nodiscard]] TopicConfigTable all() const;
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] DataVersion version() const;
  /// System topics of this broker, in order of name (request 305).
  [[nodiscard]] std::set<std::string> system_topics() const;
  [[nodiscard]] bool is_system_topic(std::string_view topic) const;
  [[nodiscard]] bool is_order_topic(std::string_view topic) const;

  /// The topic, made from its template when it is not there and the template allows inheriting; null when it may not be made.
  /// Source: createTopicInSendMessageMethod.
  TopicConfigPtr create_on_send(std::string_view topic, std::string_view default_topic, std::int32_t queues_wanted, std::int32_t sys_flag);
  /// The topic, made with that many queues when it is not there; its `order` follows the argument. For retry, dead-letter and check topics.
  TopicConfigPtr create_if_absent(std::string_view topic, std::int32_t queues, std::int32_t perm, bool order = false,
                                  std::int32_t sys_flag = 0);
  /// Adds or replaces. The attributes are stored as they are.
  void update(TopicConfig config);
  /// `update` for several.
  void update_all(std::vector<TopicConfig> configs);
  /// False when it was not there.
  bool remove(std::string_view topic);
  /// Sets `order` by the name server's ORDER_TOPIC_CONFIG table. Source: updateOrderTopicConfig.
  void update_order_topics(const std::set<std::string>& ordered);
  /// Takes over the table of a master, version included.
  void replace(TopicConfigTable table);

  /// Called with the config after each `create*`, `update*`; with null after other changes. Set before use.
  using ChangeListener = std::function<void(const TopicConfigPtr&)>;
  void set_change_listener(ChangeListener listener);
  /// Called after every change, before the change listener: `persist` is due. Set before use.
  void set_persist_listener(std::function<void()> listener);

 private:
  void add_system_topics();
  class Change;
  void put_unlocked(TopicConfig config);
  TopicConfigPtr add_new(TopicConfig config);
  void announce(const TopicConfigPtr& config);
  void persist_soon();

  const TopicManagerOptions options_;
  FileSystem& files_;
  Clock& clock_;
  mutable std::shared_mutex mutex_;
  TextMap<TopicConfigPtr> topics_;
  std::atomic<std::uint64_t> generation_;  // Another one after every change of `topics_`; no two managers ever have the same.
  std::set<std::string> system_topics_;
  DataVersion version_;
  ChangeListener listener_;
  std::function<void()> persist_listener_;
};

}  // namespace skylark::broker
