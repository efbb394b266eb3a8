// SPDX-License-Identifier: Apache-2.0
#include "base/setting.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace skylark {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\f";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// Files in the wild hold `key=10 # why`, where a properties file knows no comment. For numbers and booleans it can mean nothing else.
std::string_view without_remark(std::string_view text) {
  const auto at = std::min(text.find(" #"), text.find("\t#"));
  return trimmed(text.substr(0, at));
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

template <class T>
std::optional<T> parse_value(std::string_view text) {
  text = trimmed(text);
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string(text);
  } else if constexpr (std::is_same_v<T, bool>) {
    text = without_remark(text);
    if (same_ignoring_case(text, "true")) return true;
    if (same_ignoring_case(text, "false")) return false;
    return std::nullopt;
  } else {
    text = without_remark(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    T value{};
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    return value;
  }
}

std::string expand_home(std::string text) {
  constexpr std::string_view kHome = "${user.home}";
  const char* home = std::getenv("HOME");
  const std::string_view folder = home != nullptr && *home != '\0' ? home : ".";
  for (auto at = text.find(kHome); at != std::string::npos; at = text.find(kHome, at + folder.size())) {
    text.replace(at, kHome.size(), folder);
  }
  return text;
}

template <class T>
std::string format_value(const T& value) {
  if constexpr (std::is_same_v<T, double>) {
    // Java writes 75.0 where fmt would write 75.
    return std::isfinite(value) && value == std::floor(value) && std::abs(value) < 1e7 ? fmt::format("{:.1f}", value) : fmt::format("{}", value);
  } else {
    return fmt::format("{}", value);
  }
}

template <class T>
bool within(const T& value, const Allowed& allowed) {
  if constexpr (std::is_same_v<T, bool>) {
    return true;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return allowed.choices.empty() || std::find(allowed.choices.begin(), allowed.choices.end(), value) != allowed.choices.end();
  } else if constexpr (std::is_same_v<T, double>) {
    return std::isfinite(value) && value >= static_cast<double>(allowed.min) && value <= static_cast<double>(allowed.max);
  } else {
    return value >= allowed.min && value <= allowed.max;
  }
}

}  // namespace

SettingBase::SettingBase(ConfigSection& section, SettingInfo info, Allowed allowed)
    : info_(std::move(info)), allowed_(std::move(allowed)) {
  section.settings_.push_back(this);
}

void ConfigSection::ignore(std::string_view reason, const std::vector<std::pair<std::string_view, std::string_view>>& keys) {
  for (const auto& [key, built_in] : keys) {
    SettingInfo info;
    info.key = key;
    info.reload = Reload::ignored;
    info.reason = reason;
    ignored_.push_back(std::make_unique<Setting<std::string>>(*this, std::move(info), std::string(built_in)));
  }
}

template <class T>
Setting<T>::Setting(ConfigSection& section, SettingInfo info, T built_in, Allowed allowed)
    : SettingBase(section, std::move(info), std::move(allowed)), built_in_(std::move(built_in)) {
  set_value(built_in_, Origin::built_in);
}

template <class T>
T Setting<T>::load() const {
  if constexpr (std::is_same_v<T, std::string>) {
    const std::lock_guard lock(cell_.mutex);
    return cell_.value;
  } else {
    return cell_.load(std::memory_order_relaxed);
  }
}

template <class T>
T Setting<T>::get() const {
  if constexpr (std::is_same_v<T, std::string>) {
    return info().path ? expand_home(load()) : load();
  } else {
    return load();
  }
}

template <class T>
void Setting<T>::set_value(T value, Origin origin) {
  set(format_value(value), origin);
}

template <class T>
void Setting<T>::assign(std::string_view text) {
  auto value = parse_value<T>(text);
  if (!value) return;
  if constexpr (std::is_same_v<T, std::string>) {
    const std::lock_guard lock(cell_.mutex);
    cell_.value = std::move(*value);
  } else {
    cell_.store(*value, std::memory_order_relaxed);
  }
}

template <class T>
std::string Setting<T>::text() const {
  return format_value(get());
}

template <class T>
std::string Setting<T>::default_text() const {
  return format_value(built_in_);
}

template <class T>
std::string_view Setting<T>::type_name() const {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  else if constexpr (std::is_same_v<T, std::string>) return "text";
  else if constexpr (std::is_same_v<T, double>) return "number";
  else return "whole number";
}

template <class T>
std::string Setting<T>::allowed_text() const {
  const auto& limits = allowed();
  if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return limits.choices.empty() ? "any text" : fmt::format("{}", fmt::join(limits.choices, ", "));
  } else {
    auto min = limits.min;
    auto max = limits.max;
    if constexpr (std::is_same_v<T, std::int32_t>) {
      min = std::max<std::int64_t>(min, std::numeric_limits<T>::min());
      max = std::min<std::int64_t>(max, std::numeric_limits<T>::max());
    }
    const bool open_below = min == std::numeric_limits<std::int64_t>::min();
    const bool open_above = max == std::numeric_limits<std::int64_t>::max();
    if (open_below && open_above) return std::is_same_v<T, double> ? "any number" : "any whole number";
    if (open_above) return fmt::format("{} or more", min);
    if (open_below) return fmt::format("{} or less", max);
    return fmt::format("{}..{}", min, max);
  }
}

template <class T>
std::string Setting<T>::problem_with(std::string_view text) const {
  if (info().reload == Reload::ignored) return {};
  const auto value = parse_value<T>(text);
  const auto shown = info().secret ? std::string_view("***") : trimmed(text);
  if (!value) return fmt::format("'{}' is not {}{}", shown, std::is_same_v<T, bool> ? "" : "a ", type_name());
  if (!within(*value, allowed())) return fmt::format("'{}' is not allowed", shown);
  return {};
}

template class Setting<bool>;
template class Setting<std::int32_t>;
template class Setting<std::int64_t>;
template class Setting<double>;
template class Setting<std::string>;

}  // namespace skylark
