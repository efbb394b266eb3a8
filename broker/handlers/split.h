// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace skylark::broker {

/// Items of a list in a header field; empty ones are left out.
[[nodiscard]] inline std::set<std::string> split(std::string_view list, char separator) {
  std::set<std::string> items;
  while (!list.empty()) {
    const auto end = list.find(separator);
    if (end != 0) items.emplace(list.substr(0, end));
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  }
  return items;
}

}  // namespace skylark::broker
