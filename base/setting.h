// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Configuration is declared once:
//
//   struct StoreConfig : ConfigSection {
//     StoreConfig() : ConfigSection("Message store") {}
//     Setting<std::int64_t> mapped_file_size_commit_log{*this,
//         {.key = "mappedFileSizeCommitLog", .also = {"mapedFileSizeCommitLog"}, .unit = Unit::bytes, .reload = Reload::format,
//          .doc = "Size of one commit log file. A store keeps the size it was created with."},
//         1_GiB, in_range(4_KiB, 2_GiB - 1)};
//   };
//
// From the declaration come parsing, errors, `--print-config`, docs/configuration.md and the admin query (base/config.h).

namespace skylark {

enum class Unit { none, bytes, milliseconds, seconds, minutes, hours, days, percent };

/// When a changed value takes effect.
enum class Reload {
  live,     ///< At once, through the admin request.
  restart,  ///< At the next start.
  format,   ///< Fixed for a store once it exists.
  ignored,  ///< A key of Java that we accept and do nothing with; `reason` says why.
};

/// Where a value came from.
enum class Origin { built_in, file, environment, flag, admin };

struct SettingInfo {
  std::string_view key;                     ///< Java's name, the one that is shown.
  std::vector<std::string_view> also = {};  ///< Other accepted spellings.
  Unit unit = Unit::none;
  Reload reload = Reload::restart;
  std::string_view reason = {};             ///< For `Reload::ignored`.
  std::string_view doc = {};                ///< One sentence.
  bool secret = false;                      ///< Shown as `***`.
  bool path = false;                        ///< `${user.home}` in the value stands for the home folder.
};

/// What a value may be: a range for numbers (ends included), a list for texts.
struct Allowed {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string_view> choices = {};
};
[[nodiscard]] inline Allowed in_range(std::int64_t min, std::int64_t max) { return {.min = min, .max = max}; }
[[nodiscard]] inline Allowed at_least(std::int64_t min) { return {.min = min}; }
[[nodiscard]] inline Allowed one_of(std::vector<std::string_view> choices) { return {.choices = std::move(choices)}; }

inline namespace literals {
constexpr std::int64_t operator""_KiB(unsigned long long n) { return static_cast<std::int64_t>(n << 10); }
constexpr std::int64_t operator""_MiB(unsigned long long n) { return static_cast<std::int64_t>(n << 20); }
constexpr std::int64_t operator""_GiB(unsigned long long n) { return static_cast<std::int64_t>(n << 30); }
}  // namespace literals

class ConfigSection;

/// What all settings have in common, as `Config` sees them. Threads: reading from any; `set` calls are serialised by `Config`.
class SettingBase {
 public:
  SettingBase(ConfigSection& section, SettingInfo info, Allowed allowed);
  virtual ~SettingBase() = default;
  SettingBase(const SettingBase&) = delete;
  SettingBase& operator=(const SettingBase&) = delete;

  [[nodiscard]] const SettingInfo& info() const noexcept { return info_; }
  [[nodiscard]] Origin origin() const noexcept { return origin_.load(); }
  /// The value in force, and the built-in one, as a file would hold them.
  [[nodiscard]] virtual std::string text() const = 0;
  [[nodiscard]] virtual std::string default_text() const = 0;
  /// What a value may be, for people: `1..65535`, `true or false`, `a text`.
  [[nodiscard]] virtual std::string allowed_text() const = 0;
  [[nodiscard]] virtual std::string_view type_name() const = 0;
  /// What is wrong with a value: `'x' is not a whole number`; empty when nothing is.
  [[nodiscard]] virtual std::string problem_with(std::string_view text) const = 0;
  /// Takes a value that has no problem.
  void set(std::string_view text, Origin origin) {
    assign(text);
    origin_ = origin;
  }

 protected:
  virtual void assign(std::string_view text) = 0;
  [[nodiscard]] const Allowed& allowed() const noexcept { return allowed_; }

 private:
  SettingInfo info_;
  Allowed allowed_;
  std::atomic<Origin> origin_{Origin::built_in};
};

/// One value of the configuration: bool, int32, int64, double or text. Threads: `get` from any, also while the admin changes it.
template <class T>
class Setting final : public SettingBase {
  static_assert(std::is_same_v<T, bool> || std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int64_t> ||
                std::is_same_v<T, double> || std::is_same_v<T, std::string>);

 public:
  Setting(ConfigSection& section, SettingInfo info, T built_in, Allowed allowed = {});

  /// The value in force; a path with its home folder filled in.
  [[nodiscard]] T get() const;
  /// For programs that start a part themselves and for tests. Does not check the allowed range.
  void set_value(T value, Origin origin = Origin::flag);

  [[nodiscard]] std::string text() const override;
  [[nodiscard]] std::string default_text() const override;
  [[nodiscard]] std::string allowed_text() const override;
  [[nodiscard]] std::string_view type_name() const override;
  [[nodiscard]] std::string problem_with(std::string_view text) const override;

 private:
  void assign(std::string_view text) override;
  [[nodiscard]] T load() const;

  struct Locked {
    mutable std::mutex mutex;
    T value;
  };
  using Cell = std::conditional_t<std::is_same_v<T, std::string>, Locked, std::atomic<T>>;
  const T built_in_;
  Cell cell_;
};

extern template class Setting<bool>;
extern template class Setting<std::int32_t>;
extern template class Setting<std::int64_t>;
extern template class Setting<double>;
extern template class Setting<std::string>;

/// A named group of settings, one per subject; settings are its members and register themselves.
class ConfigSection {
 public:
  explicit ConfigSection(std::string_view title) : title_(title) {}
  ConfigSection(const ConfigSection&) = delete;
  ConfigSection& operator=(const ConfigSection&) = delete;

  [[nodiscard]] std::string_view title() const noexcept { return title_; }
  /// In order of declaration.
  [[nodiscard]] const std::vector<SettingBase*>& settings() const noexcept { return settings_; }

 protected:
  ~ConfigSection() = default;
  /// Declares keys of Java that are accepted and do nothing, all for one reason, a sentence. Pairs of key and Java's default.
  void ignore(std::string_view reason, const std::vector<std::pair<std::string_view, std::string_view>>& keys);

 private:
  friend class SettingBase;
  std::string_view title_;
  std::vector<SettingBase*> settings_;
  std::vector<std::unique_ptr<SettingBase>> ignored_;
};

}  // namespace skylark
