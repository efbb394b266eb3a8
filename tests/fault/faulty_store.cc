// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/faulty_store.h"

#include <chrono>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace skylark::broker {

PutMessage faulty_message(std::string_view topic, std::int32_t queue_id, std::string_view body, std::string_view properties) {
  PutMessage message;
  message.fields.topic = topic;
  message.fields.queue_id = queue_id;
  message.fields.body = body;
  message.fields.properties = properties;
  return message;
}

FaultyStore::FaultyStore(Change change) : disk_(std::make_unique<FaultyFileSystem>(clock_)) {
  options_.root = "/store";
  options_.commit_log_file_size = 16 * 1024;
  options_.consume_queue_file_size = 20 * 20;
  options_.index_slots = 16;
  options_.index_entries = 50;
  options_.flush_interval_ms = 5;
  options_.delay_levels = {"1s", "5s", "10s"};
  if (change != nullptr) change(options_);
  boot("first");
  start();
}

FaultyStore::~FaultyStore() { stop(); }

Result<void> FaultyStore::try_start() {
  store_ = make_message_store(options_, system_ != nullptr ? *system_ : *disk_, clock_);
  return store_->start();
}

void FaultyStore::start() {
  const auto started = try_start();
  INFO((started ? "started" : started.error().message()));
  REQUIRE(started.has_value());
}

void FaultyStore::stop() {
  disk_->release_flushes();
  if (store_) store_->stop();
  store_.reset();
}

/// The old store stops on the old disk, which nobody looks at again.
void FaultyStore::replace_disk(std::unique_ptr<FaultyFileSystem> disk) {
  stop();
  disk_ = std::move(disk);
}

void FaultyStore::kill() { replace_disk(disk_->after_kill()); }

void FaultyStore::cut_power(std::uint64_t seed) {
  replace_disk(disk_->after_power_cut(seed));
  boot("after " + std::to_string(seed));
}

void FaultyStore::boot(const std::string& id) {
  REQUIRE(disk_->create_folders("/proc/sys/kernel/random").has_value());
  REQUIRE(disk_->write_all("/proc/sys/kernel/random/boot_id", id + "\n", true).has_value());
}

void FaultyStore::restart() {
  clock_.advance(std::chrono::seconds(1));
  stop();
  start();
}

void FaultyStore::make_durable() {
  await_dispatch();
  put("Scratch", 0, "gone at once");
  await_dispatch();
  REQUIRE(eventually([this] { return store_->flushed_physical_offset() == store_->max_physical_offset(); }));
  clock_.advance(std::chrono::seconds(1));  // Folders that do not change from now on are older than the ends.
  store_->delete_topic("Scratch");
}

PutResult FaultyStore::put(std::string_view topic, std::int32_t queue_id, std::string_view body, std::string_view properties) {
  return store_->put_sync(faulty_message(topic, queue_id, body, properties));
}

void FaultyStore::await_dispatch() {
  REQUIRE(eventually([this] { return store_->dispatch_behind_bytes() == 0; }));
}

std::string FaultyStore::body_at(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) {
  const GetResult got = store_->get({.topic = topic, .queue_id = queue_id, .queue_offset = queue_offset, .message_count_max = 1});
  if (got.status != GetStatus::found || got.slices.empty()) return "(" + std::string(to_string(got.status)) + ")";
  const auto record = decode_record(got.slices.front().bytes);
  return record && record->queue_offset == queue_offset ? std::string(record->body) : "(another record)";
}

std::vector<std::string> FaultyStore::bodies_by_key(std::string_view topic, std::string_view key) {
  std::vector<std::string> bodies;
  for (const PinnedSlice& slice : store_->query_by_key(topic, key, 32, 0, INT64_MAX).records)
    bodies.emplace_back(decode_record(slice.bytes)->body);
  return bodies;
}

}  // namespace skylark::broker
