// SPDX-License-Identifier: Apache-2.0
#include "commitlog/residency.h"

#include <algorithm>

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kChunk = 256 << 10;  // Bytes whose presence in memory is asked after at once.
constexpr std::uint64_t kSecondMask = 0xFFFFFF;
constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15;

}  // namespace

bool Residency::resident(const MappedFile& file, std::int64_t position, std::int64_t size_bytes, std::int64_t end) {
  const std::int64_t asked_end = position + size_bytes;
  const std::uint64_t second = static_cast<std::uint64_t>(clock_.steady_ms() / 1000) & kSecondMask;
  const auto of_file = reinterpret_cast<std::uintptr_t>(&file) * kSpread;
  for (std::int64_t chunk = position / kChunk; chunk * kChunk < asked_end; ++chunk) {
    const auto number = static_cast<std::uint64_t>(chunk);
    const std::uint64_t mark = ((of_file + number * kSpread) & ~kSecondMask) | second;
    std::atomic<std::uint64_t>& known = known_[((of_file >> 32) + number) % kSlots];  // Neighbours take no slot of each other.
    if (known.load(std::memory_order_relaxed) == mark) continue;
    const std::int64_t begin = chunk * kChunk;
    const std::int64_t until = std::min(begin + kChunk, end);  // What is written behind it within the second is in memory.
    if (file.resident(begin, until - begin)) {
      known.store(mark, std::memory_order_relaxed);
      continue;
    }
    const std::int64_t first = std::max(begin, position);  // Of a chunk that is there in part the range alone counts.
    if (!file.resident(first, std::min(until, asked_end) - first)) return false;
  }
  return true;
}

}  // namespace skylark::commitlog
