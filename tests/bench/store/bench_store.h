// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/message_store.h"
#include "tests/bench/store/rows.h"

namespace skylark::bench {

/// How large a run is. Every part makes its own folder below `folder` and removes it.
struct Scale {
  std::string folder;
  double append_seconds = 1;                      ///< For each cell of the append table.
  std::int64_t append_bytes_max = 1'500'000'000;  ///< Of bodies, for each cell.
  std::int64_t append_count_max = 1'000'000'000;  ///< For each cell.
  std::int64_t dispatch_bytes = 512'000'000;
  std::vector<std::int32_t> dispatch_queues = {50'000};  ///< Of one topic, and topics of one queue.
  std::int64_t read_bytes = 1'500'000'000;
  std::vector<std::int64_t> recovery_bytes = {1'500'000'000, 3'000'000'000};  ///< One log after the other.
  std::vector<std::int64_t> queues = {1000, 100'000};                         ///< One store after the other.
  std::int64_t log_file_size = 1'073'741'824;
  bool small_index = false;
};

[[nodiscard]] Rows measure_append(const Scale& scale);
[[nodiscard]] Rows measure_dispatch(const Scale& scale);
[[nodiscard]] Rows measure_read(const Scale& scale);
[[nodiscard]] Rows measure_recovery(const Scale& scale);
[[nodiscard]] Rows measure_many_queues(const Scale& scale);

/// A figure that must be exact is not. Throws with both numbers.
void expect_count(std::string_view what, std::int64_t got, std::int64_t wanted);

/// A folder below that of the scale, removed with what is in it.
class Folder {
 public:
  Folder(const Scale& scale, std::string_view name);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// Settings that measure the store alone: the defaults, without cleaning, which would come in between when the disk is full.
[[nodiscard]] broker::MessageStoreOptions store_options(const Scale& scale, const std::string& root);

/// A started store on the real disk; stopped cleanly at the end. Throws when it does not start.
class BenchStore {
 public:
  explicit BenchStore(broker::MessageStoreOptions options);
  ~BenchStore();
  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;
  broker::MessageStore* operator->() { return store_.get(); }
  [[nodiscard]] double start_seconds() const noexcept { return start_seconds_; }
  /// Waits until everything appended is readable.
  void await_dispatch();
  /// Appends `count` messages with bodies of that size to queue 0 of a topic, by one thread. Throws when one is refused.
  void fill(std::string_view topic, std::int64_t count, std::int64_t body_bytes);

 private:
  std::unique_ptr<FileSystem> files_;
  SystemClock clock_;
  std::unique_ptr<broker::MessageStore> store_;
  double start_seconds_ = 0;
};

/// A message as producers send it: a unique key and the wait flag among its properties. `body` and `topic` must outlive it.
[[nodiscard]] broker::PutMessage bench_message(std::string_view topic, std::int32_t queue_id, std::string_view body);

}  // namespace skylark::bench
