// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tests/bench/store/bench_store.h"
#include "tests/bench/store/measure.h"

namespace skylark::bench {
namespace {

constexpr std::int64_t kBodyBytes = 1024;

Row measure_start(const broker::MessageStoreOptions& options, std::int64_t count, std::string setting) {
  const Stopwatch watch;
  BenchStore store(options);
  const double cpu = watch.cpu_seconds();
  store.await_dispatch();
  expect_count("messages there after the start", store->max_offset("recovery", 0), count);
  const double gigabytes = static_cast<double>(store->max_physical_offset()) / 1e9;
  return {"start",
          std::move(setting),
          {{"log_gb", gigabytes},
           {"seconds", store.start_seconds()},
           {"seconds_per_gb", store.start_seconds() / gigabytes},
           {"cpu_seconds", cpu}}};
}

}  // namespace

/// Each start is measured in a process of its own: after a clean stop, then after a kill, with what is in memory and without. Several sizes
/// show what grows.
Rows measure_recovery(const Scale& scale) {
  Rows rows;
  for (const std::int64_t bytes : scale.recovery_bytes) {
    const Folder folder(scale, "recovery");
    const auto options = store_options(scale, folder.path());
    const std::int64_t count = bytes / (kBodyBytes + 150);
    const auto fill = [&] {
      BenchStore store(options);
      store.fill("recovery", count, kBodyBytes);
      die();
    };
    const auto measure = [&](const std::string& setting) {
      const Rows row = in_child([&]() -> Rows { return {measure_start(options, count, setting)}; });
      rows.insert(rows.end(), row.begin(), row.end());
    };
    const auto crash = [&] {
      in_crashing_child([&] {
        BenchStore store(options);
        die();
      });
    };
    in_crashing_child(fill);
    measure("killed while filling, warm");
    measure("clean, warm");
    measure("clean, " + make_cold(folder.path()));
    crash();
    measure("killed while idle, warm");
    crash();
    measure("killed while idle, " + make_cold(folder.path()));
  }
  return rows;
}

}  // namespace skylark::bench
