// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/file_system.h"

namespace skylark::commitlog {

/// Whether reads of mapped files would wait for the disk, without a system call for each: what was found in memory within the last second
/// is taken to be there still. Threads: any.
class Residency {
 public:
  /// `clock` outlives it.
  explicit Residency(const Clock& clock) : clock_(clock) {}

  /// `end`: of what was written to the file; the range lies before it.
  [[nodiscard]] bool resident(const MappedFile& file, std::int64_t position, std::int64_t size_bytes, std::int64_t end);

 private:
  static constexpr std::size_t kSlots = 256;

  const Clock& clock_;
  std::array<std::atomic<std::uint64_t>, kSlots> known_{};  // File and chunk, 40 bits of a hash, and the second when it was in memory.
};

}  // namespace skylark::commitlog
