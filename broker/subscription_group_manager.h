// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/text_map.h"
#include "protocol/bodies/subscription_group.h"

namespace skylark::broker {

using GroupConfigPtr = std::shared_ptr<const SubscriptionGroupConfig>;

/// Bits of the forbidden table, by index. Source: PermName indices used by SubscriptionGroupManager.java.
inline constexpr std::int32_t kForbidReadIndex = 2;

/// Consumer groups of this broker, kept in subscriptionGroup.json. Source: SubscriptionGroupManager.java.
/// Threads: any.
class SubscriptionGroupManager {
 public:
  /// `lmq` (enableLmq): every `%LMQ%...` is a group with the defaults that stands in no table. Source: LmqSubscriptionGroupManager.java.
  SubscriptionGroupManager(std::string path, bool auto_create, FileSystem& files, Clock& clock, bool lmq = false);

  /// Makes the groups of the system, then reads the file, whose entries override.
  [[nodiscard]] Result<void> load();
  /// Writes the table as it is now; on return it is durable. Errors of the disk are logged, and the table in memory stays the truth.
  /// It waits for the disk: to be called by one thread at a time, and by no io thread.
  [[nodiscard]] Result<void> persist() const;
  /// Called after every change, on the changing thread, without a lock held: `persist` is due. Set before use.
  void set_persist_listener(std::function<void()> listener);

  /// The group, made on first use when that is allowed and the name is valid; null otherwise. Source: findSubscriptionGroupConfig.
  GroupConfigPtr find(std::string_view group);
  /// Without making it.
  [[nodiscard]] GroupConfigPtr find_existing(std::string_view group) const;
  [[nodiscard]] bool contains(std::string_view group) const { return find_existing(group) != nullptr; }
  [[nodiscard]] SubscriptionGroupTable all() const;
  [[nodiscard]] DataVersion version() const;

  void update(SubscriptionGroupConfig config);
  void update_all(std::vector<SubscriptionGroupConfig> configs);
  bool remove(std::string_view group);

  [[nodiscard]] bool is_forbidden(std::string_view group, std::string_view topic, std::int32_t bit_index) const;
  void set_forbidden(std::string_view group, std::string_view topic, std::int32_t bit_index, bool forbidden);
  /// Takes over the table of a master, version included.
  void replace(SubscriptionGroupTable table);

 private:
  void add_system_groups();
  void persist_soon();

  const std::string path_;
  const bool auto_create_;
  const bool lmq_;
  FileSystem& files_;
  Clock& clock_;
  mutable std::shared_mutex mutex_;
  TextMap<GroupConfigPtr> groups_;
  TextMap<TextMap<std::int32_t>> forbidden_;
  DataVersion version_;
  std::function<void()> persist_listener_;
};

}  // namespace skylark::broker
