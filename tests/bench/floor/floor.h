// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

namespace skylark::bench {

/// What one part measured. Times of a single operation are wall clock; CPU is that of the whole process, in kernel and program.
struct Floor {
  const char* name;
  std::int64_t operations = 0;
  double seconds = 0;
  double cpu_us = 0;  ///< For each operation.
  double p50_us = 0;
  double p99_us = 0;
};

/// Copies 400-byte records into a mapped file whose space is allocated: what an append cannot go below.
[[nodiscard]] Floor measure_memcpy(const std::string& folder, double seconds);
/// Appends 4 KB to a file and makes them durable, one after the other: what one send in flight under SYNC_FLUSH cannot go below.
[[nodiscard]] Floor measure_fsync(const std::string& folder, double seconds);
/// Sends 32 records of 400 bytes by one `sendfile` over a loopback socket to a thread that drops them: what a pull of 32 cannot go below.
[[nodiscard]] Floor measure_sendfile(const std::string& folder, double seconds);

/// Serves ROCKETMQ frames on a loopback port with nothing but Asio: copies each frame away and answers it as a send is answered. Never
/// returns. Throws `std::exception` when it cannot listen.
[[noreturn]] void serve_echo(std::uint16_t port, std::size_t thread_count);

/// Processor time of this process so far, in microseconds.
[[nodiscard]] double process_cpu_us();
[[nodiscard]] inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
[[noreturn]] inline void fail(const char* call) { throw std::system_error(errno, std::system_category(), call); }

}  // namespace skylark::bench
