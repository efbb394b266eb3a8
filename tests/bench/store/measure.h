// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace skylark::bench {

/// Wall and processor time since its construction; of the whole process, so dispatch and flush threads count too.
class Stopwatch {
 public:
  Stopwatch();
  [[nodiscard]] double seconds() const;
  [[nodiscard]] double cpu_seconds() const;

 private:
  std::chrono::steady_clock::time_point begin_;
  double cpu_begin_;
};

struct Memory {
  double anonymous_kb = 0;    ///< RssAnon: what the process itself needs.
  double file_backed_kb = 0;  ///< RssFile: pages of mapped files, which the kernel takes back when it needs them.
  double heap_bytes = 0;      ///< Handed out by malloc and not given back.
};
/// Of this process, after what the allocator holds for nothing was given back.
[[nodiscard]] Memory memory_now();

/// Lines of /proc/self/maps.
[[nodiscard]] std::int64_t mapping_count();
/// vm.max_map_count.
[[nodiscard]] std::int64_t mapping_count_max();

/// Writes back everything below a folder and drops it from memory; mapped pages stay, so the store must be stopped. For the super user with
/// what the system keeps of folders and names (all caches of the machine are dropped), for others the pages of files alone. Which it was.
std::string make_cold(const std::string& folder);

/// Processors, memory, kernel, and the load of the last minute.
[[nodiscard]] std::string machine();

}  // namespace skylark::bench
