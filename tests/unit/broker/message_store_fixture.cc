// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/broker/message_store_fixture.h"

#include "tests/support/eventually.h"
#include "tests/support/catch.h"

namespace skylark::broker {

MessageStoreOptions small_store_options(const std::string& root) {
  MessageStoreOptions options;
  options.root = root;
  options.commit_log_file_size = 16 * 1024;
  options.consume_queue_file_size = 20 * 20;
  options.index_slots = 64;
  options.index_entries = 100;
  options.flush_interval_ms = 20;
  options.delay_levels = {"1s", "5s", "10s"};
  return options;
}

PutMessage message(std::string_view topic, std::int32_t queue_id, std::string_view body, std::string_view properties) {
  PutMessage message;
  message.fields.topic = topic;
  message.fields.queue_id = queue_id;
  message.fields.body = body;
  message.fields.properties = properties;
  message.fields.born_host = Host::parse("127.0.0.1:4001").value();
  message.fields.store_host = Host::parse("127.0.0.1:10911").value();
  return message;
}

StoreFixture::StoreFixture(Change change) : files_(make_disk_file_system()), options_(small_store_options(folder_.path() + "/store")) {
  if (change != nullptr) change(options_);
  start();
}

StoreFixture::~StoreFixture() { stop(); }

Result<void> StoreFixture::try_start() {
  store_ = make_message_store(options_, *files_, clock_);
  if (preparation_) preparation_(*store_);
  return store_->start();
}

void StoreFixture::start() {
  const auto started = try_start();
  INFO((started ? "started" : started.error().message()));
  REQUIRE(started.has_value());
}

void StoreFixture::stop() {
  if (store_) store_->stop();
  store_.reset();
}

void StoreFixture::restart() {
  stop();
  start();
}

PutResult StoreFixture::put(std::string_view topic, std::int32_t queue_id, std::string_view body, std::string_view properties) {
  return store_->put_sync(message(topic, queue_id, body, properties));
}

void StoreFixture::await_dispatch() {
  REQUIRE(eventually([this] { return store_->dispatch_behind_bytes() == 0; }));
}

std::vector<std::string> StoreFixture::bodies(std::string_view topic, std::int32_t queue_id) {
  std::vector<std::string> bodies;
  std::int64_t offset = store_->min_offset(topic, queue_id);
  for (;;) {
    const GetResult got = store_->get({.topic = topic, .queue_id = queue_id, .queue_offset = offset});
    if (got.status == GetStatus::offset_overflow_one || got.status == GetStatus::no_message_in_queue) return bodies;
    REQUIRE(got.next_begin_offset > offset);
    offset = got.next_begin_offset;
    for (const PinnedSlice& slice : got.slices) {
      const auto records = decode_records(slice.bytes);
      REQUIRE(records.has_value());
      for (const MessageView& record : *records) bodies.emplace_back(record.body);
    }
  }
}

}  // namespace skylark::broker
