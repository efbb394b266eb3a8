// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/store/bench_store.h"
#include "tests/bench/store/measure.h"

namespace skylark::bench {
namespace {

constexpr int kQueues = 8;

struct Cell {
  int producers = 1;
  std::int64_t body_bytes = 128;
  bool sync_flush = false;
};

Rows measure_cell(const Scale& scale, const Cell& cell) {
  const Folder folder(scale, "append");
  auto options = store_options(scale, folder.path());
  options.sync_flush = cell.sync_flush;
  BenchStore store(options);
  const std::string body(static_cast<std::size_t>(cell.body_bytes), 'x');
  const std::int64_t count_max = std::min(scale.append_count_max, scale.append_bytes_max / cell.body_bytes);
  std::atomic<std::int64_t> tickets{0};
  std::atomic<std::int64_t> stored{0};
  std::atomic<bool> over{false};
  const Stopwatch watch;
  const auto produce = [&](int number) {
    const broker::PutMessage message = bench_message("append", number % kQueues, body);
    std::int64_t mine = 0;
    while (!over.load(std::memory_order_relaxed) && tickets.fetch_add(1, std::memory_order_relaxed) < count_max) {
      if (!store->put_sync(message).stored()) break;
      if ((++mine & 63) == 0 && watch.seconds() >= scale.append_seconds) over = true;
      if (cell.sync_flush && watch.seconds() >= scale.append_seconds) over = true;
    }
    stored += mine;
  };
  std::vector<std::thread> producers;
  for (int i = 0; i < cell.producers; ++i) producers.emplace_back(produce, i);
  for (std::thread& producer : producers) producer.join();
  const double seconds = watch.seconds();
  store.await_dispatch();
  const double all_seconds = watch.seconds();
  const double cpu = watch.cpu_seconds();

  std::int64_t readable = 0;
  for (int i = 0; i < kQueues; ++i) readable += store->max_offset("append", i);
  expect_count("messages readable after the append", readable, stored);
  const auto count = static_cast<double>(stored.load());
  return {{cell.sync_flush ? "append, SYNC_FLUSH" : "append, ASYNC_FLUSH",
           fmt::format("{} producers, {} B", cell.producers, cell.body_bytes),
           {{"messages", count},
            {"messages_per_s", count / seconds},
            {"mb_per_s", count * static_cast<double>(cell.body_bytes) / 1e6 / seconds},
            {"readable_per_s", count / all_seconds},
            {"cpu_us_per_message", cpu * 1e6 / count},
            {"messages_per_flush", count / static_cast<double>(std::max<std::int64_t>(store->flush_count(), 1))}}}};
}

}  // namespace

Rows measure_append(const Scale& scale) {
  Rows rows;
  for (const bool sync_flush : {false, true}) {
    for (const std::int64_t body_bytes : {128, 1024, 65536}) {
      for (const int producers : {1, 8, 64}) {
        const Rows cell = in_child([&] { return measure_cell(scale, {producers, body_bytes, sync_flush}); });
        rows.insert(rows.end(), cell.begin(), cell.end());
      }
    }
  }
  return rows;
}

}  // namespace skylark::bench
