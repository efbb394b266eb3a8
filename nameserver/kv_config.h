// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"

namespace skylark {
class FileSystem;
}

namespace skylark::nameserver {

inline constexpr const char* kOrderTopicNamespace = "ORDER_TOPIC_CONFIG";  // NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG.

/// Texts by namespace and key that operators keep in the name server, such as the queue layout of ordered topics. Every change is
/// written to the file before the call returns.
///
/// Threads: every member may be called from any thread; one mutex.
/// Source:  KVConfigManager.java 5.3.3.
class KvConfig {
 public:
  using Table = std::map<std::string, std::string>;

  KvConfig(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  /// Reads the file, when there is one. Errors: `malformed`, or that of reading.
  [[nodiscard]] Result<void> load();
  /// Errors: that of writing; the change is in force all the same.
  Result<void> put(const std::string& name_space, const std::string& key, const std::string& value);
  Result<void> remove(const std::string& name_space, const std::string& key);
  [[nodiscard]] std::optional<std::string> get(const std::string& name_space, const std::string& key) const;
  /// Nothing when there is no such namespace.
  [[nodiscard]] std::optional<Table> list(const std::string& name_space) const;

 private:
  [[nodiscard]] Result<void> save() const;

  FileSystem& files_;
  std::string path_;
  mutable std::mutex mutex_;
  std::map<std::string, Table> tables_;
};

}  // namespace skylark::nameserver
