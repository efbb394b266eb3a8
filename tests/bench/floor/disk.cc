// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/bench/floor/floor.h"

namespace skylark::bench {
namespace {

constexpr std::size_t kRecordSize = 400;
constexpr std::size_t kFileSize = 256u << 20;
constexpr std::size_t kFlushSize = 4096;

/// A file that has no name any more: it goes away with its descriptor.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& folder) {
    std::string path = folder + "/skylark-floor-XXXXXX";
    descriptor_ = ::mkstemp(path.data());
    if (descriptor_ < 0) fail("mkstemp");
    ::unlink(path.c_str());
  }
  ~ScratchFile() { ::close(descriptor_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_ = -1;
};

double at(std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

double process_cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

Floor measure_memcpy(const std::string& folder, double seconds) {
  const ScratchFile file(folder);
  if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(kFileSize)); error != 0) errno = error, fail("posix_fallocate");
  void* const mapped = ::mmap(nullptr, kFileSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) fail("mmap");
  const std::string record(kRecordSize, 'x');
  Floor floor{.name = "memcpy"};
  const double cpu = process_cpu_us();
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t position = 0; (floor.operations & 0xFFF) != 0 || seconds_since(begin) < seconds; position += kRecordSize) {
    if (position + kRecordSize > kFileSize) position = 0;  // The second time round pages are there: the mean nears that of a warm file.
    std::memcpy(static_cast<char*>(mapped) + position, record.data(), kRecordSize);
    ++floor.operations;
  }
  floor.seconds = seconds_since(begin);
  floor.cpu_us = (process_cpu_us() - cpu) / static_cast<double>(floor.operations);
  ::munmap(mapped, kFileSize);
  return floor;
}

Floor measure_fsync(const std::string& folder, double seconds) {
  const ScratchFile file(folder);
  if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(kFileSize)); error != 0) errno = error, fail("posix_fallocate");
  const std::string page(kFlushSize, 'x');
  std::vector<double> times_us;
  Floor floor{.name = "fsync"};
  const double cpu = process_cpu_us();
  const auto begin = std::chrono::steady_clock::now();
  while (floor.operations == 0 || seconds_since(begin) < seconds) {
    const auto started = std::chrono::steady_clock::now();
    const auto position = static_cast<off_t>(static_cast<std::size_t>(floor.operations) * kFlushSize % kFileSize);
    if (::pwrite(file.get(), page.data(), page.size(), position) != static_cast<ssize_t>(page.size())) fail("pwrite");
    if (::fdatasync(file.get()) != 0) fail("fdatasync");
    times_us.push_back(seconds_since(started) * 1e6);
    ++floor.operations;
  }
  floor.seconds = seconds_since(begin);
  floor.cpu_us = (process_cpu_us() - cpu) / static_cast<double>(floor.operations);
  std::sort(times_us.begin(), times_us.end());
  floor.p50_us = at(times_us, 0.50);
  floor.p99_us = at(times_us, 0.99);
  return floor;
}

}  // namespace skylark::bench
