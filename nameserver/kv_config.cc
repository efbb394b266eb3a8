// SPDX-License-Identifier: Apache-2.0
#include "nameserver/kv_config.h"

#include "base/error.h"
#include "base/file_system.h"
#include "protocol/json.h"

namespace skylark::nameserver {

Result<void> KvConfig::load() {
  const std::lock_guard lock(mutex_);
  if (!files_.exists(path_)) return {};
  const auto text = files_.read_all(path_);
  if (!text) return text.error();
  const auto root = json::parse(*text);
  if (!root) return root.error();
  for (const auto& [name_space, table] : (*root)["configTable"].members()) {
    auto& entries = tables_[name_space.as_string()];
    for (const auto& [key, value] : table.members()) entries[key.as_string()] = value.as_string();
  }
  return {};
}

Result<void> KvConfig::put(const std::string& name_space, const std::string& key, const std::string& value) {
  const std::lock_guard lock(mutex_);
  tables_[name_space][key] = value;
  return save();
}

Result<void> KvConfig::remove(const std::string& name_space, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto table = tables_.find(name_space);
  if (table == tables_.end() || table->second.erase(key) == 0) return {};
  return save();
}

std::optional<std::string> KvConfig::get(const std::string& name_space, const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto table = tables_.find(name_space);
  if (table == tables_.end()) return std::nullopt;
  const auto entry = table->second.find(key);
  return entry == table->second.end() ? std::nullopt : std::optional(entry->second);
}

std::optional<KvConfig::Table> KvConfig::list(const std::string& name_space) const {
  const std::lock_guard lock(mutex_);
  const auto table = tables_.find(name_space);
  return table == tables_.end() ? std::nullopt : std::optional(table->second);
}

Result<void> KvConfig::save() const {
  json::Object tables;
  for (const auto& [name_space, entries] : tables_) {
    json::Object table;
    for (const auto& [key, value] : entries) table.emplace_back(key, value);
    tables.emplace_back(name_space, std::move(table));
  }
  json::Value root;
  root.set("configTable", std::move(tables));
  const auto folder = path_.substr(0, path_.find_last_of('/') == std::string::npos ? 0 : path_.find_last_of('/'));
  if (!folder.empty()) {
    if (const auto made = files_.create_folders(folder); !made) return made;
  }
  // A crash leaves either the old file or the new one.
  const auto fresh = path_ + ".tmp";
  if (const auto written = files_.write_all(fresh, json::write(root), true); !written) return written;
  return files_.rename(fresh, path_);
}

}  // namespace skylark::nameserver
