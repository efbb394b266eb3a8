// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "tools/bench/instruction_counter.h"
#include "tools/bench/process_figures.h"
#include "tools/bench/system_call_trace.h"

namespace skylark::bench {

/// What a server used between two moments, and what it held at the second.
struct ServerCost {
  double cpu_seconds = 0;
  std::int64_t context_switches = 0;
  std::int64_t read_write_calls = 0;         ///< As in `ProcessFigures`.
  std::optional<std::int64_t> instructions;  ///< Absent: the machine does not count them for us.
  std::optional<std::int64_t> system_calls;  ///< Absent unless they were traced.
  std::int64_t rss_anonymous_bytes = 0;
  std::int64_t rss_file_bytes = 0;
};

/// Watches one process of this machine from `begin` to `end`. With pid 0 it does nothing and gives nothing.
///
/// Errors: `BenchError` when the process is not there, or `strace` cannot be had where it was asked for.
class ProcessWatch {
 public:
  ProcessWatch(std::int64_t pid, bool trace_system_calls);

  void begin();
  [[nodiscard]] std::optional<ServerCost> end();

 private:
  std::int64_t pid_;
  bool trace_system_calls_;
  ProcessFigures before_;
  std::unique_ptr<InstructionCounter> instructions_;
  std::unique_ptr<SystemCallTrace> trace_;
};

}  // namespace skylark::bench
