// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skylark::bench {

/// One line of the report: what was measured, under which setting, and the figures with their units in their names.
struct Row {
  std::string name;
  std::string setting;
  std::vector<std::pair<std::string, double>> figures;
  /// 0 when there is no such figure.
  [[nodiscard]] double at(std::string_view figure) const;
};
using Rows = std::vector<Row>;

/// Runs a part in a process of its own, so that none inherits the memory, threads and mappings of another. What it returned; a part
/// that dies or throws is reported on stderr and ends this process with exit code 1. Only while this process has one thread.
[[nodiscard]] Rows in_child(const std::function<Rows()>& part);
/// Like `in_child`, for a part that ends by `die`: as a crash leaves a store behind.
void in_crashing_child(const std::function<void()>& part);
/// Kills this process.
[[noreturn]] void die();

[[nodiscard]] std::string to_table(const Rows& rows);
/// One object: `machine`, and `rows` with the figures by name.
[[nodiscard]] std::string to_json(const Rows& rows, std::string_view machine);

}  // namespace skylark::bench
