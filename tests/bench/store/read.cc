// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "commitlog/checkpoint.h"
#include "commitlog/commit_log.h"
#include "consumequeue/dispatcher.h"
#include "consumequeue/key_index.h"
#include "consumequeue/queue_table.h"
#include "tests/bench/store/bench_store.h"
#include "tests/bench/store/measure.h"

namespace skylark::bench {
namespace {

constexpr std::int64_t kBodyBytes = 1024;

/// Reads the queue from its first to its last message and copies every byte once, as sending would.
Row read_all(BenchStore& store, std::int64_t count, std::string setting) {
  std::vector<char> buffer(1 << 20);
  std::int64_t read = 0;
  std::int64_t calls = 0;
  const Stopwatch watch;
  while (read < count) {
    const auto got = store->get({.topic = "read", .queue_id = 0, .queue_offset = read, .message_count_max = 32});
    if (got.message_count == 0) throw std::runtime_error(fmt::format("nothing to read at {}: {}", read, to_string(got.status)));
    for (const PinnedSlice& slice : got.slices) {
      const auto& bytes = slice.bytes;
      std::memcpy(buffer.data(), bytes.data(), std::min(buffer.size(), bytes.size()));
    }
    read = got.next_begin_offset;
    ++calls;
  }
  const double seconds = watch.seconds();
  expect_count("messages read", read, count);
  const auto messages = static_cast<double>(count);
  return {"read by 32, 1 KB",
          std::move(setting),
          {{"messages", messages},
           {"messages_per_s", messages / seconds},
           {"mb_per_s", messages * kBodyBytes / 1e6 / seconds},
           {"cpu_us_per_message", watch.cpu_seconds() * 1e6 / messages},
           {"messages_per_call", messages / static_cast<double>(calls)}}};
}

}  // namespace

Rows measure_read(const Scale& scale) {
  const Folder folder(scale, "read");
  const auto options = store_options(scale, folder.path());
  const std::int64_t count = scale.read_bytes / kBodyBytes;
  Rows rows = in_child([&]() -> Rows {
    BenchStore store(options);
    store.fill("read", count, kBodyBytes);
    (void)read_all(store, count, "");
    return {read_all(store, count, "hot")};
  });
  const auto cold = [&](broker::MessageStoreOptions how, const char* setting) {
    const Rows more = in_child([&]() -> Rows {
      BenchStore store(how);
      make_cold(folder.path());  // Recovery has read the last file; it maps nothing of the log.
      return {read_all(store, count, setting)};
    });
    rows.insert(rows.end(), more.begin(), more.end());
  };
  cold(options, "cold, near the end (mapped)");
  auto far = options;
  far.memory_ratio = 0;  // Everything counts as far behind the end of the log.
  cold(far, "cold, far behind, by 8");
  far.transfer_count_cold_max = 32;
  far.transfer_bytes_cold_max = far.transfer_bytes_max;
  cold(far, "cold, far behind, by 32");
  return rows;
}

namespace {

/// Of the messages that are dispatched: message `i` goes to queue `i * kQueueStride` of all queues.
struct DispatchCell {
  std::int64_t body_bytes;
  bool with_index;
  std::int32_t topics;
  std::int32_t queues;  // Of each topic.
};
constexpr std::int64_t kQueueStride = 7919;  // A prime: queues are not met in the order in which they were made.

Rows dispatch(const Scale& scale, const DispatchCell& cell) {
  const Folder folder(scale, "dispatch");
  const auto options = store_options(scale, folder.path());
  const std::int64_t all_queues = std::int64_t{cell.topics} * cell.queues;
  const std::int64_t count = scale.dispatch_bytes / (cell.body_bytes + 150) / all_queues * all_queues;
  return in_child([&]() -> Rows {
    const auto files = make_disk_file_system();
    SystemClock clock;
    const auto check = [](const Result<void>& result) {
      if (!result) throw std::runtime_error(result.error().message());
    };
    commitlog::CommitLog log({.folders = {.writable = {folder.path() + "/commitlog"}}, .file_size = options.commit_log_file_size}, *files,
                             clock);
    check(files->create_folders(folder.path() + "/commitlog"));
    check(log.load());
    check(log.open_at(0, 0));
    const std::string body(static_cast<std::size_t>(cell.body_bytes), 'x');
    const auto fill = [&](std::int64_t messages) {
      for (std::int64_t i = 0; i < messages; ++i) {
        const std::int64_t queue = i * kQueueStride % all_queues;
        commitlog::EncodedRecords records;
        const std::string topic = fmt::format("dispatch{}", queue / cell.queues);
        records.add(bench_message(topic, static_cast<std::int32_t>(queue % cell.queues), body).fields);
        if (!log.append(records)) throw std::runtime_error("an append was refused");
      }
    };
    consumequeue::QueueTable queues(*files, folder.path() + "/consumequeue", options.consume_queue_file_size);
    check(queues.load());
    consumequeue::KeyIndex index(*files, clock, folder.path() + "/index", {options.index_slots, options.index_entries});
    check(index.load(false, 0));
    consumequeue::Indexer indexer(queues, cell.with_index ? &index : nullptr, {});
    const auto dispatch_from = [&](std::int64_t from) {
      consumequeue::Dispatcher dispatcher(log, indexer, nullptr);
      const Stopwatch watch;
      dispatcher.start(from);
      dispatcher.wake(consumequeue::Dispatcher::Haste::at_once);
      while (dispatcher.position() < log.end()) std::this_thread::sleep_for(std::chrono::microseconds(200));
      return std::pair(watch.seconds(), watch.cpu_seconds());
    };
    fill(all_queues);  // A new queue costs a file.
    (void)dispatch_from(0);
    const std::int64_t begin = log.end();
    fill(count);
    const auto [seconds, cpu] = dispatch_from(begin);
    log.close();
    std::int64_t entered = 0;
    for (const auto& named : queues.all()) entered += named.queue->max_offset();
    expect_count("messages dispatched", entered, count + all_queues);
    const auto messages = static_cast<double>(count);
    return {{cell.topics == 1 ? fmt::format("dispatch, {} queues", cell.queues) : fmt::format("dispatch, {} topics", cell.topics),
             fmt::format("{} B, {}", cell.body_bytes, cell.with_index ? "1 key" : "no key index"),
             {{"messages", messages}, {"messages_per_s", messages / seconds}, {"cpu_us_per_message", cpu * 1e6 / messages}}}};
  });
}

}  // namespace

/// The dispatcher alone, on a log that was written before: nothing competes with it.
Rows measure_dispatch(const Scale& scale) {
  std::vector<DispatchCell> cells;
  for (const std::int64_t body_bytes : {128, 1024}) {
    for (const bool with_index : {false, true}) cells.push_back({body_bytes, with_index, 1, 8});
  }
  for (const std::int32_t queues : scale.dispatch_queues) {
    cells.push_back({128, false, 1, queues});
    cells.push_back({128, false, queues, 1});
  }
  Rows rows;
  for (const DispatchCell& cell : cells) {
    const Rows more = dispatch(scale, cell);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

}  // namespace skylark::bench
