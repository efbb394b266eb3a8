// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/instruction_counter.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/bench/process_figures.h"

namespace skylark::bench {

InstructionCounter::InstructionCounter(std::int64_t pid) {
  perf_event_attr wanted{};
  wanted.type = PERF_TYPE_HARDWARE;
  wanted.size = sizeof wanted;
  wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
  wanted.inherit = 1;
  wanted.exclude_kernel = 1;  // Allowed to more users, and the same on every kernel.
  wanted.exclude_hv = 1;
  for (const std::int32_t thread : threads_of(pid)) {
    const long counter = ::syscall(SYS_perf_event_open, &wanted, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (counter < 0) {
      for (const int opened : counters_) ::close(opened);
      counters_.clear();
      return;
    }
    counters_.push_back(static_cast<int>(counter));
  }
}

InstructionCounter::~InstructionCounter() {
  for (const int counter : counters_) ::close(counter);
}

std::optional<std::int64_t> InstructionCounter::read() const {
  if (counters_.empty()) return std::nullopt;
  std::int64_t sum = 0;
  for (const int counter : counters_) {
    std::int64_t value = 0;
    if (::read(counter, &value, sizeof value) != sizeof value) return std::nullopt;
    sum += value;
  }
  return sum;
}

}  // namespace skylark::bench
