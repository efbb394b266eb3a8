// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/text_map.h"
#include "protocol/bodies/data_version.h"
#include "protocol/json.h"

namespace skylark::broker {

using OffsetsByQueue = std::map<std::int32_t, std::int64_t>;

/// How far each group has come in each queue: next offset to consume. In consumerOffset.json, written periodically and on stop, so a
/// crash repeats up to that much. Pull offsets and pending resets live in memory only. Source: ConsumerOffsetManager.java.
/// Threads: any.
class ConsumerOffsetManager {
 public:
  /// `version_step`: commits between two bumps of the data version (consumerOffsetUpdateVersionStep). `lmq` (enableLmq): a group `%LMQ%...`
  /// has one offset a topic, whatever the queue, and a table of its own in the file. Source: LmqConsumerOffsetManager.java.
  ConsumerOffsetManager(std::string path, std::int64_t version_step, FileSystem& files, Clock& clock, bool lmq = false);

  [[nodiscard]] Result<void> load();
  /// Writes the file when something has changed since it was last written.
  void persist();

  /// A lower value than the stored one is accepted, with a log line.
  void commit(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t offset);
  /// -1 when there is none.
  [[nodiscard]] std::int64_t query(std::string_view group, std::string_view topic, std::int32_t queue_id) const;
  [[nodiscard]] OffsetsByQueue offsets(std::string_view group, std::string_view topic) const;
  /// Notes how far a group has pulled; `consumed`: to be committed as well.
  void commit_pull(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t offset,
                   std::optional<std::int64_t> consumed);
  /// The offset after the last one pulled, or -1.
  [[nodiscard]] std::int64_t query_pull(std::string_view group, std::string_view topic, std::int32_t queue_id) const;

  /// Server-side reset: commits `offset` and hands it out on the next pull; commits are ignored until then.
  void assign_reset(std::string_view group, std::string_view topic, std::int32_t queue_id, std::int64_t offset);
  [[nodiscard]] bool has_reset(std::string_view group, std::string_view topic, std::int32_t queue_id) const;
  /// The pending reset, which is then no longer pending.
  std::optional<std::int64_t> take_reset(std::string_view group, std::string_view topic, std::int32_t queue_id);

  [[nodiscard]] std::set<std::string> topics_of(std::string_view group) const;
  [[nodiscard]] std::set<std::string> groups_of(std::string_view topic) const;
  void remove_group(std::string_view group);
  void remove_topic(std::string_view topic);
  /// Drops entries for which `keep` (topic, group) is false.
  void retain(const std::function<bool(const std::string& topic, const std::string& group)>& keep);
  /// Copies the offsets of `source` to `target` for that topic. Source: cloneOffset.
  void clone(std::string_view source, std::string_view target, std::string_view topic);
  /// Smallest offset by queue over all groups of the topic but those filtered. Source: queryMinOffsetInAllGroup.
  [[nodiscard]] OffsetsByQueue min_offsets(std::string_view topic, const std::set<std::string>& filtered_groups) const;

  /// Key `topic@group`.
  [[nodiscard]] std::map<std::string, OffsetsByQueue> all() const;
  [[nodiscard]] DataVersion version() const;
  /// `{"dataVersion":..,"groupTopicMap":..,"offsetTable":{"topic@group":{0:5}}}`: the file and the answer to request 43.
  [[nodiscard]] json::Value to_json() const;
  /// Takes over the table of a master (the parsed answer to request 43), version included.
  void replace(const json::Value& value);

 private:
  using Table = TextMap<OffsetsByQueue>;
  std::int64_t commit_unlocked(const std::string& key, std::int32_t queue_id, std::int64_t offset);
  [[nodiscard]] std::int32_t queue_of(std::string_view group, std::int32_t queue_id) const;
  [[nodiscard]] static std::int64_t look_up(const Table& table, std::string_view group, std::string_view topic, std::int32_t queue_id);
  void read_unlocked(const json::Value& value);
  [[nodiscard]] json::Value to_json_unlocked() const;

  const std::string path_;
  const std::int64_t version_step_;
  const bool lmq_;
  FileSystem& files_;
  Clock& clock_;
  mutable std::mutex mutex_;
  Table offsets_;
  Table pull_offsets_;
  Table resets_;
  std::atomic<bool> may_reset_{false};  ///< False: there are none. So that a pull need not take the mutex to find that out.
  DataVersion version_;
  std::int64_t commits_ = 0;
  std::uint64_t changes_ = 0;
  std::mutex file_mutex_;
  std::uint64_t written_changes_ = 0;  ///< Guarded by `file_mutex_`.
};

}  // namespace skylark::broker
