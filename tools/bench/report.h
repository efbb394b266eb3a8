// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/bench/histogram.h"
#include "tools/bench/options.h"
#include "tools/bench/process_watch.h"

namespace skylark::bench {

/// What was measured between the end of the warm-up and the end of the run.
struct Measurement {
  double seconds = 0;
  std::int64_t requests = 0;      ///< Answered with success.
  std::int64_t messages = 0;      ///< What costs are divided by: stored or received messages, finished transactions, routes.
  std::int64_t refused = 0;       ///< Answered with another code.
  std::int32_t refusal_code = 0;  ///< The last of those codes.
  double own_cpu_seconds = 0;
  std::optional<ServerCost> server;                      ///< Absent without `--broker-pid`.
  Histogram latency;                                     ///< From a request, or from when it was due, to its answer.
  std::vector<std::pair<std::string, Histogram>> times;  ///< Further ones, by name in camel case.
  std::vector<std::pair<std::string, double>> figures;   ///< Further counts and rates, by name in camel case.

  template <class Number>
  void add(std::string name, Number value) {
    figures.emplace_back(std::move(name), static_cast<double>(value));
  }
};

/// For a terminal; several lines.
[[nodiscard]] std::string to_table(const Options& options, const Measurement& measured);
/// One JSON object in one line; times in the unit of the name.
[[nodiscard]] std::string to_json(const Options& options, const Measurement& measured);

}  // namespace skylark::bench
