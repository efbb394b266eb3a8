// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "broker/message_store.h"
#include "broker/put_waiters.h"
#include "broker/record_reader.h"
#include "broker/staged_puts.h"
#include "commitlog/checkpoint.h"
#include "commitlog/commit_log.h"
#include "commitlog/flush_service.h"
#include "commitlog/retention.h"
#include "consumequeue/dispatcher.h"
#include "consumequeue/key_index.h"
#include "consumequeue/queue_mender.h"
#include "consumequeue/queue_table.h"
#include "consumequeue/recovery.h"
#include "consumequeue/store_ends.h"

namespace skylark::broker {

/// The store on disk: joins commit log, consume queues and key index. The contract is `MessageStore`'s.
class MessageStoreImpl final : public MessageStore {
 public:
  MessageStoreImpl(MessageStoreOptions options, FileSystem& system, Clock& clock);
  ~MessageStoreImpl() override;

  Result<void> start() override;
  void stop() override;

  void stage(std::span<const PutMessage> messages, StagedPuts& puts) override;
  void append_staged(StagedPuts& puts) override;
  void publish(bool may_enter) override;
  void when_kept(PutResult appended, PutCallback callback) override;
  PutResult put_sync(const PutMessage& message) override;

  GetResult get(const GetRequest& request) override;
  std::optional<PinnedSlice> record_at(std::int64_t physical_offset, std::int32_t size) override;
  std::optional<QueueEntry> queue_entry(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) override;
  bool may_be_mended(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) override;
  std::int64_t min_offset(std::string_view topic, std::int32_t queue_id) override;
  std::int64_t max_offset(std::string_view topic, std::int32_t queue_id) override;
  std::int64_t offset_by_time(std::string_view topic, std::int32_t queue_id, std::int64_t timestamp_ms, bool upper) override;
  std::int64_t store_time(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) override;
  bool is_cold(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) override;
  KeyQueryResult query_by_key(std::string_view topic, std::string_view key, std::int32_t count_max, std::int64_t begin_ms,
                              std::int64_t end_ms) override;

  std::int64_t min_physical_offset() override { return log_.begin(); }
  std::int64_t max_physical_offset() override { return log_.end(); }
  std::int64_t flushed_physical_offset() override { return log_.flushed(); }
  std::int64_t dispatch_behind_bytes() override;
  bool writable() override;
  std::int64_t flush_count() override { return log_.flush_count(); }
  std::vector<QueueId> queues() override;
  std::int32_t delete_topics_except(const std::vector<std::string>& keep) override;
  void delete_topic(std::string_view topic) override;
  bool delete_expired_files() override;
  std::int32_t clean_expired_queues(const std::function<bool(std::string_view topic)>& keep) override;
  DiskUsage disk_usage() override;
  void set_arrival_listener(ArrivalListener listener, std::function<bool()> awaited) override {
    arrival_listener_ = std::move(listener);
    arrivals_awaited_ = std::move(awaited);
  }
  void hasten() override {
    if (dispatch_behind_bytes() > 0) dispatcher_->wake(consumequeue::Dispatcher::Haste::at_once);
  }

  std::optional<PinnedSlice> log_bytes(std::int64_t physical_offset, std::size_t size_max) override;
  Result<void> append_replicated(std::int64_t physical_offset, std::string_view bytes) override;
  std::int64_t log_file_size() override { return log_.file_size(); }
  void set_append_listener(std::function<void()> listener) override { append_listener_ = std::move(listener); }
  void set_replica_acks_needed(std::int32_t count) override;
  void update_replica_acks(std::span<const std::int64_t> acknowledged) override;

 private:
  [[nodiscard]] Result<void> open();
  [[nodiscard]] bool contradicts_batch(const RecordFields& fields, std::size_t records) const;
  [[nodiscard]] Result<consumequeue::RecoveryResult> recover();
  [[nodiscard]] PutStatus refusal() const;
  [[nodiscard]] bool is_illegal(std::span<const PutMessage> messages) const;
  void finish_put(StagedPuts::Put& put, const commitlog::EncodedRecords& records, const Result<commitlog::AppendResult>& appended);
  void log_advanced(bool may_enter);
  void wake_dispatcher(bool may_enter);
  void message_entered(const MessageView& record, std::int64_t tags_code);

  [[nodiscard]] bool far_behind(std::int64_t physical_offset) const noexcept { return log_.end() - physical_offset > hot_bytes_; }
  [[nodiscard]] std::int64_t record_store_time(std::int64_t physical_offset) const;
  [[nodiscard]] std::int64_t entry_store_time(const consumequeue::ConsumeQueue& queue, std::int64_t queue_offset) const;
  /// Where a walk over the units of a queue stands, beside its result.
  struct Walk {
    std::int64_t skip_below = 0;  ///< Where the log begins, once a record was found to be removed.
    std::int64_t last_physical_offset = -1;
    RecordReader::Recent recent{};  ///< Not empty: a record was given out that this process appended, and what this holds needs no look.
    const void* pin = nullptr;      ///< Of the last slice.
    bool ended = false;
  };
  [[nodiscard]] static bool wanted(const consumequeue::ConsumeQueue& queue, const consumequeue::QueueEntry& entry,
                                   const MessageFilter& filter);
  [[nodiscard]] bool in_turn(const consumequeue::ConsumeQueue& queue, const consumequeue::QueueEntry& entry, const GetRequest& request,
                             const GetResult& result) const;
  void report_unit(const GetRequest& request, std::int64_t queue_offset, std::int64_t physical_offset) const;
  void take(const consumequeue::ConsumeQueue& queue, const consumequeue::QueueEntry& entry, const GetRequest& request, Walk& walk,
            GetResult& result) const;
  void walk(const consumequeue::ConsumeQueue& queue, const GetRequest& request, GetResult& result) const;
  [[nodiscard]] std::size_t take_recent(std::span<const consumequeue::QueueEntry> units, const GetRequest& request, Walk& walk,
                                        GetResult& result) const;
  static void give(const consumequeue::QueueEntry& entry, std::string_view record, const std::shared_ptr<const void>& pin,
                   const GetRequest& request, Walk& walk, GetResult& result);
  [[nodiscard]] bool batch_full(const GetRequest& request, const GetResult& result, const consumequeue::QueueEntry& entry) const;

  void upkeep();
  /// `clean`: nothing comes after it.
  void flush_indexes(bool clean);
  [[nodiscard]] std::optional<consumequeue::StoreEnds> note_ends(bool clean);
  void save_ends();
  void forget_removed();
  void look_at_disks();
  std::int32_t remove_expired();
  void expire_indexes();

  const MessageStoreOptions options_;
  FileSystem& system_;
  Clock& clock_;
  const std::int64_t hot_bytes_;
  std::shared_ptr<void> lock_;
  commitlog::CommitLog log_;
  RecordReader reader_{log_};
  consumequeue::QueueTable queues_;
  std::unique_ptr<consumequeue::KeyIndex> index_;  // Null when switched off.
  commitlog::Checkpoint checkpoint_;
  std::unique_ptr<consumequeue::Indexer> indexer_;
  std::unique_ptr<consumequeue::Dispatcher> dispatcher_;
  std::unique_ptr<consumequeue::QueueMender> mender_;
  std::unique_ptr<commitlog::FlushService> flusher_;
  std::unique_ptr<PutWaiters> waiters_;
  ArrivalListener arrival_listener_;
  std::function<bool()> arrivals_awaited_;
  std::function<void()> append_listener_;

  std::atomic<std::int32_t> replica_acks_needed_{0};
  std::atomic<std::int64_t> published_end_{-1};
  std::atomic<bool> accepting_{false};
  std::atomic<bool> disk_full_{false};
  std::atomic<bool> index_flush_failed_{false};
  bool started_ = false;
  std::int64_t lock_modified_ms_ = -1;

  std::mutex ends_mutex_;                            // Guards the members down to the next blank line; taken before `expiry_mutex_`.
  std::optional<consumequeue::StoreEnds> ends_;      // Durable but for the log.
  std::int64_t saved_end_ = -1;                      // Of the ends on disk.
  std::atomic<std::int64_t> indexes_flushed_to_{0};  // How far the dispatcher was at their last flush.
  std::atomic<bool> ends_changed_{true};             // By more than new records.

  std::mutex expiry_mutex_;           // One round of removing at a time.
  std::int64_t mins_found_for_ = -1;  // The beginning of the log for which the min offsets of all queues are right. Under it too.
  commitlog::Retention retention_;
  std::mutex upkeep_mutex_;
  std::condition_variable upkeep_wake_;
  bool upkeep_stopping_ = false;
  std::thread upkeep_thread_;
};

}  // namespace skylark::broker
