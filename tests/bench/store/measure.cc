// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/store/measure.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace skylark::bench {
namespace {

double cpu_now() {
  rusage usage{};
  (void)::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Stopwatch::Stopwatch() : begin_(std::chrono::steady_clock::now()), cpu_begin_(cpu_now()) {}
double Stopwatch::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }
double Stopwatch::cpu_seconds() const { return cpu_now() - cpu_begin_; }

Memory memory_now() {
  (void)::malloc_trim(0);
  Memory memory;
  memory.heap_bytes = static_cast<double>(::mallinfo2().uordblks + ::mallinfo2().hblkhd);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) memory.anonymous_kb = std::strtod(line.c_str() + 8, nullptr);
    if (line.starts_with("RssFile:")) memory.file_backed_kb = std::strtod(line.c_str() + 8, nullptr);
  }
  return memory;
}

std::int64_t mapping_count() {
  std::ifstream maps("/proc/self/maps");
  return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
}

std::int64_t mapping_count_max() {
  std::ifstream file("/proc/sys/vm/max_map_count");
  std::int64_t count = 0;
  file >> count;
  return count;
}

std::string make_cold(const std::string& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) continue;
    (void)::fdatasync(descriptor);
    (void)::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    ::close(descriptor);
  }
  ::sync();
  std::ofstream caches("/proc/sys/vm/drop_caches");
  caches << "3" << std::flush;
  return caches ? "caches dropped" : "pages dropped";
}

std::string machine() {
  utsname system{};
  (void)::uname(&system);
  double load = 0;
  (void)::getloadavg(&load, 1);
  const double memory_gb = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 30);
  return fmt::format("{} processors, {:.0f} GB of memory, {} {}, load {:.2f} at the start", std::thread::hardware_concurrency(), memory_gb,
                     system.sysname, system.release, load);
}

}  // namespace skylark::bench
