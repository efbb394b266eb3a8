// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skylark::bench {

/// Counts every system call of a process with `strace -c` from construction to `finish`. The process runs many times slower
/// meanwhile: its rates and latencies mean nothing then.
class SystemCallTrace {
 public:
  /// Returns once strace is attached. Errors: `BenchError` when it cannot be started or may not attach.
  explicit SystemCallTrace(std::int64_t pid);
  ~SystemCallTrace();
  SystemCallTrace(const SystemCallTrace&) = delete;
  SystemCallTrace& operator=(const SystemCallTrace&) = delete;

  /// Detaches. Errors: `BenchError` when strace left no summary.
  [[nodiscard]] std::int64_t finish();

 private:
  void end();

  pid_t strace_ = -1;
  std::string folder_;
};

/// Calls in the last line, `total`, of what `strace -c` prints.
[[nodiscard]] std::optional<std::int64_t> total_calls(std::string_view summary);

}  // namespace skylark::bench
