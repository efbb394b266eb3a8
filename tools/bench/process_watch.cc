// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/process_watch.h"

namespace skylark::bench {

ProcessWatch::ProcessWatch(std::int64_t pid, bool trace_system_calls) : pid_(pid), trace_system_calls_(trace_system_calls) {
  if (pid_ > 0) before_ = read_process(pid_);  // A wrong pid is told before anything runs.
}

void ProcessWatch::begin() {
  if (pid_ <= 0) return;
  if (trace_system_calls_) trace_ = std::make_unique<SystemCallTrace>(pid_);
  instructions_ = std::make_unique<InstructionCounter>(pid_);
  before_ = read_process(pid_);
}

std::optional<ServerCost> ProcessWatch::end() {
  if (pid_ <= 0) return std::nullopt;
  const ProcessFigures after = read_process(pid_);
  ServerCost cost;
  cost.cpu_seconds = after.cpu_seconds - before_.cpu_seconds;
  cost.context_switches = after.context_switches - before_.context_switches;
  cost.read_write_calls = after.read_write_calls - before_.read_write_calls;
  cost.instructions = instructions_->read();
  if (trace_) cost.system_calls = trace_->finish();
  cost.rss_anonymous_bytes = after.rss_anonymous_bytes;
  cost.rss_file_bytes = after.rss_file_bytes;
  return cost;
}

}  // namespace skylark::bench
