// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/properties_text.h"
#include "base/setting.h"

namespace skylark {

/// Bad start-up input: `broker.conf:12: listenPort: 'x' is not a whole number, allowed 0..65535`. `main` prints it as one line on
/// stderr and ends with exit code 2.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What became of a change asked for at run time. Keys are in the order of the request.
struct ConfigUpdate {
  std::vector<std::string> changed;        ///< In force now.
  std::vector<std::string> after_restart;  ///< Remembered (and saved), in force at the next start.
  std::vector<std::string> unknown;        ///< Not ours: left out, as Java does.
  std::string problem;                     ///< Not empty: nothing was changed, and this says why.
};

/// The whole configuration of a program: its sections under one set of keys, a file, flags and changes at run time.
///
/// Life:    sections outlive it. Fill it in `main` (file, environment, flags, in this order), then share it.
/// Threads: set-up by one; everything else from any (one mutex; values are read through their settings without it).
/// Source:  MixAll.properties2Object, Configuration.java 5.3.3.
class Config {
 public:
  /// Two settings of the same key are a bug of ours.
  explicit Config(std::vector<ConfigSection*> sections);

  /// Takes every key of a Java properties file. Returns warnings, one line each: unknown keys with the nearest known one, and
  /// keys given twice. Throws `ConfigError` for a file that cannot be read and for the first bad value.
  [[nodiscard]] std::vector<std::string> load_file(const std::string& path);
  /// The same for text; `name` stands for the file in messages.
  [[nodiscard]] std::vector<std::string> load_text(std::string_view text, const std::string& name);

  /// Takes one value at start-up, from a flag or the environment. Throws `ConfigError` (`--listenPort: ...`, without file and line).
  void set(std::string_view key, std::string_view text, Origin origin);

  /// Changes settings at run time: all of `properties` or, when one has a bad value, none. Saves what changed into the loaded
  /// file (edited in place, comments stay), or into `save_path` when none was loaded and it is not empty.
  [[nodiscard]] ConfigUpdate update(const std::vector<Property>& properties, const std::string& save_path = {});

  /// `key=value` lines sorted by key, for admin answers: values as they are configured, secrets as `***`.
  [[nodiscard]] std::string to_properties_text() const;
  /// For `-p`: sorted `key=value` lines, each with default, allowed values and origin behind it.
  [[nodiscard]] std::string print() const;
  /// For docs/configuration.md: one table a section, from declarations alone.
  [[nodiscard]] std::string print_markdown() const;

  /// The setting of that key (or alternative spelling), or null. `nearest` gives the known key with the fewest differences.
  [[nodiscard]] SettingBase* find(std::string_view key) const;
  [[nodiscard]] std::string nearest(std::string_view key) const;
  /// Path of the loaded file; empty when none was.
  [[nodiscard]] const std::string& file_path() const noexcept { return file_path_; }

 private:
  [[nodiscard]] std::string configured_text(const SettingBase& setting) const;

  std::vector<ConfigSection*> sections_;
  std::map<std::string, SettingBase*, std::less<>> by_key_;    ///< Every accepted spelling.
  std::map<std::string, SettingBase*, std::less<>> by_name_;   ///< Java's name alone.
  std::map<std::string, std::string, std::less<>> pending_;    ///< Changed at run time, in force after a restart.
  std::map<std::string, std::string, std::less<>> places_;     ///< Where a value stands: `broker.conf:12`.
  std::string file_path_;
  mutable std::mutex mutex_;
};

}  // namespace skylark
