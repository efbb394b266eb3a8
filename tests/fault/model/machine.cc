// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/model/machine.h"

#include <thread>

#include "base/crc32.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace skylark::broker {

Machine::Machine(FaultyStore::Change change) : store_(change) { load_offsets(); }

void Machine::start() {
  store_.start();
  load_offsets();
}

void Machine::load_offsets() {
  offsets_ = std::make_unique<ConsumerOffsetManager>("/store/config/consumerOffset.json", 500, store_.disk(), store_.clock());
  const auto loaded = offsets_->load();
  INFO((loaded ? "offsets loaded" : loaded.error().message()));
  REQUIRE(loaded.has_value());
}

void Machine::stop() {
  offsets_->persist();
  offsets_.reset();
  store_.stop();
}

void Machine::kill() {
  offsets_.reset();
  store_.kill();
}

std::int64_t Machine::cut_power(std::uint64_t seed) {
  const std::int64_t flushed = store_->flushed_physical_offset();
  offsets_.reset();
  store_.cut_power(seed);
  return flushed;
}

bool Machine::dispatched() {
  constexpr int kTurns = 2000;  // Nearly always it is a matter of microseconds.
  const bool when_flushed = store_.options().sync_flush;
  const auto done = [&] {
    if (when_flushed && store_->flushed_physical_offset() < store_->max_physical_offset()) return false;
    return store_->dispatch_behind_bytes() == 0;
  };
  for (int turn = 0; turn < kTurns; ++turn) {
    if (done()) return true;
    std::this_thread::yield();
  }
  return eventually(done);
}

ReadMessage Machine::read_message(const MessageView& record) {
  ReadMessage message;
  message.number = Ledger::number_of(record.property(property::kUniqueKey).value_or("")).value_or(-1);
  message.place.queue = {std::string(record.topic), record.queue_id};
  message.place.queue_offset = record.queue_offset;
  message.place.physical_offset = record.physical_offset;
  message.place.store_timestamp = record.store_timestamp;
  message.place.body_crc = crc32_31(record.body);
  return message;
}

StoreReader::QueueContent Machine::read(const QueueId& queue) {
  QueueContent content{store_->min_offset(queue.topic, queue.queue_id), store_->max_offset(queue.topic, queue.queue_id), {}};
  std::int64_t at = content.min_offset;
  while (at < content.max_offset) {
    const GetResult got = store_->get({.topic = queue.topic, .queue_id = queue.queue_id, .queue_offset = at, .message_count_max = 32});
    for (const PinnedSlice& slice : got.slices) {
      std::string_view bytes = slice.bytes;
      while (!bytes.empty()) {
        const auto record = decode_record(bytes);
        if (!record) {
          ReadMessage foreign;
          foreign.place.queue_offset = at + static_cast<std::int64_t>(content.messages.size());
          if (const auto entry = store_->queue_entry(queue.topic, queue.queue_id, at))
            foreign.place.physical_offset = entry->physical_offset;
          content.messages.push_back(foreign);
          break;
        }
        content.messages.push_back(read_message(*record));
        bytes.remove_prefix(static_cast<std::size_t>(record->total_size));
      }
    }
    if (got.next_begin_offset <= at) break;
    at = got.next_begin_offset;
  }
  return content;
}

std::vector<std::int64_t> Machine::find_by_key(std::string_view topic, const std::string& key) {
  std::vector<std::int64_t> numbers;
  for (const PinnedSlice& slice : store_->query_by_key(topic, key, 32, 0, INT64_MAX).records) {
    if (const auto record = decode_record(slice.bytes)) numbers.push_back(read_message(*record).number);
  }
  return numbers;
}

std::int64_t Machine::consumer_offset(const Ledger::OffsetOf& of) {
  const auto& [group, topic, queue_id] = of;
  return offsets_->query(group, topic, queue_id);
}

}  // namespace skylark::broker
