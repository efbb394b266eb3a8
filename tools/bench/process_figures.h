// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace skylark::bench {

/// What the kernel knows about a process. Counters grow from its start.
struct ProcessFigures {
  double cpu_seconds = 0;             ///< User and system time of all threads.
  std::int64_t context_switches = 0;  ///< Of the threads that still run.
  std::int64_t read_write_calls =
      0;  ///< syscr + syscw of /proc/<pid>/io: read and write calls, on files and sockets; not recv, send, sync.
  std::int64_t rss_anonymous_bytes = 0;
  std::int64_t rss_file_bytes = 0;  ///< Mapped files in memory, shared ones included: the page cache, seen from the process.
};

/// Reads /proc/<pid>. Errors: `BenchError` when there is no such process or it may not be read.
[[nodiscard]] ProcessFigures read_process(std::int64_t pid);

/// Numbers of the threads of a process.
[[nodiscard]] std::vector<std::int32_t> threads_of(std::int64_t pid);

}  // namespace skylark::bench
