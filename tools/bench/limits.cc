// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/limits.h"

#include <sys/resource.h>

#include <algorithm>

#include <fmt/format.h>

#include "tools/bench/options.h"

namespace skylark::bench {

namespace {

constexpr rlim_t kOwnDescriptors = 256;  // Files read in /proc, counters of each thread, the standard streams.

}  // namespace

void require_descriptors(std::int64_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = static_cast<rlim_t>(connections) + kOwnDescriptors;
  if (limit.rlim_cur >= wanted) return;
  rlimit raised{.rlim_cur = wanted, .rlim_max = std::max(limit.rlim_max, wanted)};  // Above the hard limit: for root alone.
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    throw BenchError(
        fmt::format("{} connections need {} open descriptors, the limit is {} (ulimit -Hn)", connections, wanted, limit.rlim_max));
  }
}

}  // namespace skylark::bench
