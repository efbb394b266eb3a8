// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "tools/bench/histogram.h"
#include "tools/bench/options.h"
#include "tools/bench/process_figures.h"

namespace skylark::bench {

/// What was measured between the end of the warm-up and the end of the run.
struct Measurement {
  double seconds = 0;
  std::int64_t requests = 0;  ///< Answered with success.
  std::int64_t messages = 0;  ///< Stored, or received by pulls.
  std::int64_t refused = 0;   ///< Answered with another code.
  std::int32_t refusal_code = 0;  ///< The last of those codes.
  double own_cpu_seconds = 0;
  ProcessFigures broker_before;  ///< Zero without `--broker-pid`.
  ProcessFigures broker_after;
  Histogram latency;
};

/// For a terminal; several lines.
[[nodiscard]] std::string to_table(const Options& options, const Measurement& measured);
/// One JSON object in one line; times in the unit of the name.
[[nodiscard]] std::string to_json(const Options& options, const Measurement& measured);

}  // namespace skylark::bench
