// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/store/bench_store.h"

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "tests/bench/store/measure.h"

namespace skylark::bench {

void expect_count(std::string_view what, std::int64_t got, std::int64_t wanted) {
  if (got != wanted) throw std::runtime_error(fmt::format("{}: {} where {} were expected", what, got, wanted));
}

Folder::Folder(const Scale& scale, std::string_view name) : path_(fmt::format("{}/{}", scale.folder, name)) {
  std::filesystem::remove_all(path_);
  std::filesystem::create_directories(path_);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

broker::MessageStoreOptions store_options(const Scale& scale, const std::string& root) {
  broker::MessageStoreOptions options;
  options.root = root;
  options.commit_log_file_size = scale.log_file_size;
  options.file_reserved_hours = 24 * 365;
  options.disk_used_ratio_max = options.disk_clean_ratio = options.disk_full_ratio = 0.99;
  options.page_cache_busy_ms = 60'000;
  options.sync_flush_timeout_ms = 60'000;
  if (scale.small_index) {
    options.index_slots = 1000;
    options.index_entries = 100'000;
  }
  return options;
}

BenchStore::BenchStore(broker::MessageStoreOptions options) : files_(make_disk_file_system()) {
  store_ = broker::make_message_store(std::move(options), *files_, clock_);
  const Stopwatch watch;
  const auto started = store_->start();
  if (!started) throw std::runtime_error("the store does not start: " + started.error().message());
  start_seconds_ = watch.seconds();
}

BenchStore::~BenchStore() { store_->stop(); }

void BenchStore::await_dispatch() {
  while (store_->dispatch_behind_bytes() > 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
}

void BenchStore::fill(std::string_view topic, std::int64_t count, std::int64_t body_bytes) {
  const std::string body(static_cast<std::size_t>(body_bytes), 'x');
  const broker::PutMessage message = bench_message(topic, 0, body);
  std::int64_t stored = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    store_->put(message, [&stored](const broker::PutResult& result) { stored += result.stored() ? 1 : 0; });
  }
  expect_count("messages stored", stored, count);
  await_dispatch();
  expect_count("messages readable", store_->max_offset(topic, 0), count);
}

broker::PutMessage bench_message(std::string_view topic, std::int32_t queue_id, std::string_view body) {
  broker::PutMessage message;
  message.fields.topic = topic;
  message.fields.queue_id = queue_id;
  message.fields.body = body;
  message.fields.born_timestamp = SystemClock().now_ms();
  message.fields.properties = "UNIQ_KEY\x01" "7F0000010DAA18B4AAC2A5F6C0DE0001\x02WAIT\x01true\x02";
  return message;
}

}  // namespace skylark::bench
