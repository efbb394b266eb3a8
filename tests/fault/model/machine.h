// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "broker/consumer_offset_manager.h"
#include "tests/fault/faulty_store.h"
#include "tests/fault/model/judge.h"

namespace skylark::broker {

/// A store and the consumer offsets of its broker on one faulty disk, which end and start together.
class Machine final : public StoreReader {
 public:
  explicit Machine(FaultyStore::Change change);

  FaultyStore& store() { return store_; }
  ConsumerOffsetManager& offsets() { return *offsets_; }

  /// As a broker stops: offsets written, store closed. Followed by `start`.
  void stop();
  void kill();
  /// The log's flushed end just before, below which nothing may be lost.
  std::int64_t cut_power(std::uint64_t seed);
  void start();
  /// Until queues and index hold all that is confirmed; true unless it takes absurdly long.
  [[nodiscard]] bool dispatched();

  std::vector<QueueId> queues() override { return store_->queues(); }
  QueueContent read(const QueueId& queue) override;
  std::vector<std::int64_t> find_by_key(std::string_view topic, const std::string& key) override;
  std::int64_t consumer_offset(const Ledger::OffsetOf& of) override;
  std::int64_t min_physical_offset() override { return store_->min_physical_offset(); }

  /// What a record says about itself.
  [[nodiscard]] static ReadMessage read_message(const MessageView& record);

 private:
  void load_offsets();

  FaultyStore store_;
  std::unique_ptr<ConsumerOffsetManager> offsets_;
};

}  // namespace skylark::broker
