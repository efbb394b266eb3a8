// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/message_store.h"
#include "broker/staged_puts.h"

namespace skylark::broker {

/// A message store in memory for tests of what builds on it: records in order, a list of entries for each queue, nothing durable.
/// Messages of the schedule topic get their due time as tag code, from `delay_ms` by level. Everything put is readable at once.
class FakeMessageStore : public MessageStore {
 public:
  explicit FakeMessageStore(Clock& clock) : clock_(clock) {}

  std::map<std::int32_t, std::int64_t> delay_ms;  ///< Level → delay.
  PutStatus put_status = PutStatus::ok;           ///< What the next puts end with; nothing is stored when it says so.
  bool puts_wait = false;                         ///< The next puts' results wait, until `when_kept` is called.
  std::int64_t puts_refused = 0;
  bool hold_answers = false;  ///< Puts are stored, and answered by `release_answers`.
  void release_answers();
  bool cold = false;                     ///< Reads that may not wait are told to.
  std::optional<GetStatus> next_status;  ///< What gets end with instead of what they found.

  /// What was put into a queue, from offset 0.
  [[nodiscard]] std::vector<MessageView> messages(std::string_view topic, std::int32_t queue_id = 0) const;
  /// Pretends that retention took everything below that offset of a queue.
  void drop_below(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset);
  /// Pretends that the log never had that message.
  void blank(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset);

  Result<void> start() override { return {}; }
  void stop() override {}
  /// Stores them at once.
  void stage(std::span<const PutMessage> messages, StagedPuts& puts) override;
  void append_staged(StagedPuts&) override {}
  void publish(bool /*may_enter*/) override {}
  void when_kept(PutResult appended, PutCallback callback) override {
    if (!hold_answers) return callback(appended);
    held_answers_.emplace_back(std::move(callback), std::move(appended));
  }
  PutResult put_sync(const PutMessage& message) override;
  GetResult get(const GetRequest& request) override;
  std::optional<PinnedSlice> record_at(std::int64_t physical_offset, std::int32_t size) override;
  std::optional<QueueEntry> queue_entry(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) override;
  bool may_be_mended(std::string_view, std::int32_t, std::int64_t) override { return false; }
  std::int64_t min_offset(std::string_view topic, std::int32_t queue_id) override;
  std::int64_t max_offset(std::string_view topic, std::int32_t queue_id) override;
  std::int64_t offset_by_time(std::string_view topic, std::int32_t queue_id, std::int64_t timestamp_ms, bool upper) override;
  std::int64_t store_time(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) override;
  bool is_cold(std::string_view, std::int32_t, std::int64_t) override { return false; }
  KeyQueryResult query_by_key(std::string_view topic, std::string_view key, std::int32_t count_max, std::int64_t begin_ms,
                              std::int64_t end_ms) override;
  std::int64_t min_physical_offset() override { return 0; }
  std::int64_t max_physical_offset() override;
  std::int64_t flushed_physical_offset() override { return max_physical_offset(); }
  std::int64_t dispatch_behind_bytes() override { return 0; }
  bool writable() override { return put_status == PutStatus::ok; }
  std::int64_t flush_count() override { return 0; }
  std::vector<QueueId> queues() override;
  std::int32_t delete_topics_except(const std::vector<std::string>& keep) override;
  void delete_topic(std::string_view topic) override;
  bool delete_expired_files() override { return true; }
  std::int32_t clean_expired_queues(const std::function<bool(std::string_view topic)>&) override { return 0; }
  DiskUsage disk_usage() override { return {.commit_log = 0.91, .consume_queues = 0.5, .key_index = 0.5}; }
  void set_arrival_listener(ArrivalListener listener, std::function<bool()> = nullptr) override { on_arrival_ = std::move(listener); }
  void hasten() override {}
  std::optional<PinnedSlice> log_bytes(std::int64_t, std::size_t) override { return std::nullopt; }
  Result<void> append_replicated(std::int64_t, std::string_view) override { return {}; }
  std::int64_t log_file_size() override { return 1 << 30; }
  void set_append_listener(std::function<void()>) override {}
  void set_replica_acks_needed(std::int32_t) override {}
  void update_replica_acks(std::span<const std::int64_t>) override {}

 private:
  struct Queue {
    std::int64_t begin = 0;
    std::vector<QueueEntry> entries;  ///< From offset 0.
  };
  using Key = std::pair<std::string, std::int32_t>;
  [[nodiscard]] const Queue* find(std::string_view topic, std::int32_t queue_id) const;
  [[nodiscard]] std::shared_ptr<const std::string> bytes_at(std::int64_t physical_offset) const;

  Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, std::shared_ptr<const std::string>> log_;  ///< By physical offset.
  std::int64_t end_ = 0;
  std::map<Key, Queue> queues_;
  ArrivalListener on_arrival_;
  std::vector<std::pair<PutCallback, PutResult>> held_answers_;
};

}  // namespace skylark::broker
