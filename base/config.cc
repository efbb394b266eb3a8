// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/log.h"

namespace skylark {
namespace {

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::none: return "";
    case Unit::bytes: return "bytes";
    case Unit::milliseconds: return "ms";
    case Unit::seconds: return "s";
    case Unit::minutes: return "min";
    case Unit::hours: return "h";
    case Unit::days: return "days";
    case Unit::percent: return "%";
  }
  return "";
}

std::string_view reload_name(Reload reload) {
  switch (reload) {
    case Reload::live: return "live";
    case Reload::restart: return "restart";
    case Reload::format: return "fixed";
    case Reload::ignored: return "ignored";
  }
  return "";
}

std::string_view origin_name(Origin origin) {
  switch (origin) {
    case Origin::built_in: return "default";
    case Origin::file: return "file";
    case Origin::environment: return "environment";
    case Origin::flag: return "flag";
    case Origin::admin: return "admin";
  }
  return "";
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// Insertions, deletions and replacements that turn one into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string bad_value(const SettingBase& setting, std::string_view problem) {
  return fmt::format("{}: {}, allowed {}", setting.info().key, problem, setting.allowed_text());
}

std::string shown(const SettingBase& setting, std::string text) {
  return setting.info().secret && !text.empty() ? "***" : std::move(text);
}

/// Replaces a file so that a crash leaves either the old or the new one.
bool replace_file(const std::string& path, std::string_view content) {
  std::error_code ignored;
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty()) std::filesystem::create_directories(folder, ignored);
  const std::string fresh = path + ".tmp";
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!out.flush()) return false;
  }
  return std::rename(fresh.c_str(), path.c_str()) == 0;
}

std::string escape_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    if (c == '<') out += "&lt;";  // Else it would start an HTML tag.
    else out += c;
  }
  return out;
}

}  // namespace

Config::Config(std::vector<ConfigSection*> sections) : sections_(std::move(sections)) {
  for (auto* section : sections_) {
    for (auto* setting : section->settings()) {
      const bool fresh = by_name_.emplace(setting->info().key, setting).second && by_key_.emplace(setting->info().key, setting).second;
      SKYLARK_ASSERT(fresh, fmt::format("setting {} is declared twice", setting->info().key));
      for (const auto spelling : setting->info().also) {
        SKYLARK_ASSERT(by_key_.emplace(spelling, setting).second, fmt::format("spelling {} is declared twice", spelling));
      }
    }
  }
}

std::vector<std::string> Config::load_file(const std::string& path) {
  if (std::filesystem::is_directory(path)) throw ConfigError(fmt::format("{}: cannot be read: it is a folder", path));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw ConfigError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  const std::string content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto warnings = load_text(content, path);
  file_path_ = path;
  return warnings;
}

std::vector<std::string> Config::load_text(std::string_view text, const std::string& name) {
  std::vector<std::string> warnings;
  std::map<std::string, int> seen;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, value, line] : read_properties(text)) {
    auto* setting = find(key);
    if (setting == nullptr) {
      warnings.push_back(fmt::format("{}:{}: {}: unknown key, the nearest known one is {}", name, line, key, nearest(key)));
      continue;
    }
    const std::string main_key(setting->info().key);
    if (const auto [at, fresh] = seen.emplace(main_key, line); !fresh) {
      warnings.push_back(fmt::format("{}:{}: {}: given before on line {}, the last one counts", name, line, key, at->second));
    }
    if (const auto problem = setting->problem_with(value); !problem.empty()) {
      throw ConfigError(fmt::format("{}:{}: {}: {}, allowed {}", name, line, key, problem, setting->allowed_text()));
    }
    setting->set(value, Origin::file);
    places_[main_key] = fmt::format("{}:{}", name, line);
  }
  return warnings;
}

void Config::set(std::string_view key, std::string_view text, Origin origin) {
  const std::lock_guard lock(mutex_);
  auto* setting = find(key);
  if (setting == nullptr) throw ConfigError(fmt::format("{}: unknown key, the nearest known one is {}", key, nearest(key)));
  if (const auto problem = setting->problem_with(text); !problem.empty()) throw ConfigError(bad_value(*setting, problem));
  setting->set(text, origin);
  places_.erase(std::string(setting->info().key));
}

ConfigUpdate Config::update(const std::vector<Property>& properties, const std::string& save_path) {
  ConfigUpdate update;
  const std::lock_guard lock(mutex_);
  for (const auto& property : properties) {
    const auto* setting = find(property.key);
    if (setting == nullptr) continue;
    const auto problem = setting->problem_with(property.value);
    if (!problem.empty() && update.problem.empty()) update.problem = bad_value(*setting, problem);
  }
  if (!update.problem.empty()) return update;

  std::vector<std::pair<std::string, std::string>> saved;
  for (const auto& property : properties) {
    auto* setting = find(property.key);
    if (setting == nullptr) {
      update.unknown.push_back(property.key);
      continue;
    }
    const std::string key(setting->info().key);
    if (setting->info().reload == Reload::live) {
      setting->set(property.value, Origin::admin);
      places_.erase(key);
      update.changed.push_back(key);
    } else {
      pending_[key] = property.value;
      update.after_restart.push_back(key);
    }
    saved.emplace_back(property.key, property.value);
  }

  const auto& path = file_path_.empty() ? save_path : file_path_;
  if (path.empty() || saved.empty()) return update;
  std::ifstream in(path, std::ios::binary);
  const std::string before{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!replace_file(path, edit_properties(before, saved))) log::warn("configuration could not be saved to {}: {}", path, std::strerror(errno));
  return update;
}

std::string Config::configured_text(const SettingBase& setting) const {
  const auto pending = pending_.find(setting.info().key);
  return shown(setting, pending == pending_.end() ? setting.text() : pending->second);
}

std::string Config::to_properties_text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [key, setting] : by_name_) append_plain_property(out, key, configured_text(*setting));
  return out;
}

std::string Config::print() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [key, setting] : by_name_) {
    const auto place = places_.find(key);
    const auto where = place == places_.end() ? std::string() : fmt::format(" {}", place->second);
    if (setting->info().reload == Reload::ignored) {
      out += fmt::format("{}={}  # ignored: {}\n", key, setting->text(), setting->info().reason);
      continue;
    }
    const auto unit = unit_name(setting->info().unit);
    out += fmt::format("{}={}  # {}{}; default {}; from {}{}\n", key, shown(*setting, setting->text()), setting->allowed_text(),
                       unit.empty() ? std::string() : fmt::format(" {}", unit), shown(*setting, setting->default_text()), origin_name(setting->origin()), where);
  }
  return out;
}

std::string Config::print_markdown() const {
  std::string out;
  for (const auto* section : sections_) {
    out += fmt::format("### {}\n\n", section->title());
    out += "| key | default | allowed | unit | change | meaning |\n|---|---|---|---|---|---|\n";
    for (const auto* setting : section->settings()) {
      const auto& info = setting->info();
      if (info.reload == Reload::ignored) continue;
      std::string doc(info.doc);
      for (const auto spelling : info.also) doc += fmt::format(" Also `{}`.", spelling);
      const auto built_in = setting->default_text();
      out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", info.key, built_in.empty() ? std::string() : fmt::format("`{}`", escape_cell(built_in)),
                         escape_cell(setting->allowed_text()), unit_name(info.unit), reload_name(info.reload), escape_cell(doc));
    }
    out += '\n';
    std::map<std::string_view, std::string> reasons;
    for (const auto* setting : section->settings()) {
      if (setting->info().reload != Reload::ignored) continue;
      auto& keys = reasons[setting->info().reason];
      keys += fmt::format("{}`{}`", keys.empty() ? "" : ", ", setting->info().key);
    }
    for (const auto& [reason, keys] : reasons) out += fmt::format("{} Accepted and ignored: {}.\n\n", reason, keys);
  }
  return out;
}

SettingBase* Config::find(std::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

std::string Config::nearest(std::string_view key) const {
  const auto wanted = lower(key);
  std::string_view best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (const auto& entry : by_name_) {
    const auto distance = edit_distance(wanted, lower(entry.first));
    if (distance < best_distance) best_distance = distance, best = entry.first;
  }
  return std::string(best);
}

}  // namespace skylark
