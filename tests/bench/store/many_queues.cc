// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/store/bench_store.h"
#include "tests/bench/store/measure.h"

namespace skylark::bench {
namespace {

constexpr std::int64_t kQueuesOfTopic = 100;

std::string topic_of(std::int64_t queue) { return fmt::format("many-{:05}", queue / kQueuesOfTopic); }
std::int32_t id_of(std::int64_t queue) { return static_cast<std::int32_t>(queue % kQueuesOfTopic); }

std::int64_t readable(BenchStore& store, std::int64_t queues) {
  std::int64_t count = 0;
  for (std::int64_t queue = 0; queue < queues; ++queue) count += store->max_offset(topic_of(queue), id_of(queue));
  return count;
}

/// One message into each queue, as fast as the store takes them. A refusal is counted and the message tried again.
Row fill(const broker::MessageStoreOptions& options, std::int64_t queues) {
  BenchStore store(options);
  std::int64_t refused = 0;
  std::int64_t mappings = 0;
  const Stopwatch watch;
  for (std::int64_t queue = 0; queue < queues; ++queue) {
    const std::string topic = topic_of(queue);
    while (!store->put_sync(bench_message(topic, id_of(queue), "one message")).stored()) {
      ++refused;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (queue % 5000 == 0) mappings = std::max(mappings, mapping_count());
  }
  while (store->dispatch_behind_bytes() > 0) {
    mappings = std::max(mappings, mapping_count());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const double seconds = watch.seconds();
  const double cpu = watch.cpu_seconds();
  mappings = std::max(mappings, mapping_count());
  expect_count("messages readable", readable(store, queues), queues);
  const auto count = static_cast<double>(queues);
  return {"many queues, first messages",
          fmt::format("{} queues", queues),
          {{"queues_per_s", count / seconds},
           {"cpu_us_per_queue", cpu * 1e6 / count},
           {"puts_refused", static_cast<double>(refused)},
           {"mappings_most", static_cast<double>(mappings)},
           {"max_map_count", static_cast<double>(mapping_count_max())}}};
}

/// Starts with that many queues and leaves them alone.
Row start(const broker::MessageStoreOptions& options, std::int64_t queues, std::string setting) {
  const Memory before = memory_now();
  const std::int64_t mappings_before = mapping_count();
  BenchStore store(options);
  const Memory after = memory_now();
  const std::int64_t mappings = mapping_count() - mappings_before;
  expect_count("messages readable after the start", readable(store, queues), queues);
  const auto count = static_cast<double>(queues);
  return {"many queues, idle",
          fmt::format("{} queues, {}", queues, setting),
          {{"start_seconds", store.start_seconds()},
           {"heap_bytes_per_queue", (after.heap_bytes - before.heap_bytes) / count},
           {"anonymous_kb", after.anonymous_kb - before.anonymous_kb},
           {"file_backed_kb", after.file_backed_kb - before.file_backed_kb},
           {"mappings_added", static_cast<double>(mappings)},
           {"max_map_count", static_cast<double>(mapping_count_max())}}};
}

void measure_queues(const Scale& scale, std::int64_t queues, Rows& rows) {
  const Folder folder(scale, "queues");
  const auto options = store_options(scale, folder.path());
  const auto add = [&](const std::function<Row()>& part) {
    const Rows row = in_child([&]() -> Rows { return {part()}; });
    rows.insert(rows.end(), row.begin(), row.end());
  };
  const auto crash = [&] {
    in_crashing_child([&] {
      BenchStore store(options);
      die();
    });
  };
  add([&] { return fill(options, queues); });
  add([&] { return start(options, queues, "clean, warm"); });
  const std::string cold = make_cold(folder.path());
  add([&] { return start(options, queues, "clean, " + cold); });
  crash();
  add([&] { return start(options, queues, "killed, warm"); });
  crash();
  (void)make_cold(folder.path());
  add([&] { return start(options, queues, "killed, " + cold); });
}

}  // namespace

Rows measure_many_queues(const Scale& scale) {
  Rows rows;
  for (const std::int64_t queues : scale.queues) measure_queues(scale, queues, rows);
  return rows;
}

}  // namespace skylark::bench
