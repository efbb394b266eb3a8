// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace skylark::bench {

/// Counts the user-space instructions of a process from construction on, threads begun later included.
class InstructionCounter {
 public:
  explicit InstructionCounter(std::int64_t pid);
  ~InstructionCounter();
  InstructionCounter(const InstructionCounter&) = delete;
  InstructionCounter& operator=(const InstructionCounter&) = delete;

  /// Nothing where the processor, its virtual machine or `perf_event_paranoid` does not allow counting.
  [[nodiscard]] std::optional<std::int64_t> read() const;

 private:
  std::vector<int> counters_;  // One for each thread; empty when one of them could not be had.
};

}  // namespace skylark::bench
