// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "commitlog/file_folders.h"
#include "protocol/message.h"
#include "protocol/remoting_command.h"

namespace skylark::broker {

/// How a put ended. Source: PutMessageStatus.java. `ok` and the three after it mean: the message is stored.
enum class PutStatus {
  ok,
  flush_disk_timeout,
  flush_slave_timeout,
  slave_not_available,
  service_not_available,  ///< Not writable: stopping, replica, disk full, failed flush.
  message_illegal,        ///< Body or properties over their limit.
  page_cache_busy,        ///< The append path is stalled by the disk.
  append_timeout,         ///< The appends before this one took too long.
  create_file_failed,     ///< The next commit log file could not be made, or not in time.
  unknown_error,
};

struct PutResult {
  PutStatus status = PutStatus::ok;
  std::int64_t physical_offset = 0;
  std::int64_t record_size = 0;   ///< Bytes; of all records of a batch.
  std::int64_t queue_offset = 0;  ///< Of the first message.
  std::int64_t store_timestamp = 0;
  std::string message_ids;    ///< Offset ids of several messages, joined by commas; that of a single one follows from its place.
  bool for_disk = false;      ///< What the settings promise is not true yet: it waits for the disk,
  bool for_replicas = false;  ///< for replicas, or for both.
  [[nodiscard]] bool must_wait() const noexcept { return for_disk || for_replicas; }
  [[nodiscard]] bool stored() const noexcept {
    return status == PutStatus::ok || status == PutStatus::flush_disk_timeout || status == PutStatus::flush_slave_timeout ||
           status == PutStatus::slave_not_available;
  }
};
using PutCallback = std::function<void(const PutResult&)>;

/// A message to be stored. `fields.queue_offset`, `physical_offset` and the store time are filled in by the store.
/// The store rewrites nothing: delay levels and half messages are turned into their system topics by the broker before.
struct PutMessage {
  RecordFields fields;
  bool wait_store_ok = true;  ///< Property WAIT: whether the answer waits for flush and replicas.
};

enum class GetStatus {
  found,
  no_matched_message,
  message_was_removing,
  offset_found_null,
  offset_overflow_badly,
  offset_overflow_one,
  offset_too_small,
  no_matched_logic_queue,
  no_message_in_queue,
  offset_reset,
  read_failed,  ///< The disk refused the record at the offset; a status of ours, Java ends with its mapping.
};
/// Java's name of the status, which travels as remark.
[[nodiscard]] std::string_view to_string(GetStatus status) noexcept;

/// What is known of a message without its record.
struct FilterUnit {
  std::optional<std::int64_t> tags_code = {};  ///< Empty when it cannot be had: what filters by tags lets such a message pass.
  std::int64_t store_timestamp = 0;            ///< 0 and an empty map without an extension of the queue.
  std::string_view bit_map = {};               ///< Of the filters that want the message: `BloomFilter`.
};

/// Decides which messages a reader gets. Threads: any, also at once. Source: MessageFilter.java.
class MessageFilter {
 public:
  virtual ~MessageFilter() = default;
  /// False when the message is not wanted; true when it is, or when only its properties can tell.
  [[nodiscard]] virtual bool wants_unit(const FilterUnit& unit) const = 0;
  /// Whether `wants_properties` decides about what `wants_unit` let pass.
  [[nodiscard]] virtual bool reads_properties() const { return false; }
  [[nodiscard]] virtual bool wants_properties(std::string_view /*properties*/) const { return true; }
};
using MessageFilterPtr = std::shared_ptr<const MessageFilter>;

struct GetRequest {
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;
  std::int32_t message_count_max = 32;
  const MessageFilter* filter = nullptr;  ///< Null: every message is wanted.
  bool may_wait = true;                   ///< For the disk. Without it a read that would have to ends early, or with `needs_disk`.
};

struct GetResult {
  GetStatus status = GetStatus::no_matched_logic_queue;
  std::int64_t next_begin_offset = 0;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  std::vector<PinnedSlice> slices;  ///< Whole records; neighbours in the log may share a slice.
  std::int32_t message_count = 0;   ///< A record of a batch topic holds several.
  std::int64_t size_bytes = 0;
  bool suggest_slave = false;  ///< The reader lags more than 40 % of memory.
  bool needs_disk = false;     ///< Nothing was read: what is wanted is not in memory and the request may not wait. Only the offsets count.
};

struct ArrivedMessage {
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int64_t next_queue_offset = 0;  ///< Behind the last message of the record.
  FilterUnit unit = {};
  std::string_view properties = {};
};

/// Used part, 0 to 1, of the disks that hold the parts of a store; -1 when a disk does not say.
struct DiskUsage {
  double commit_log = -1;
  double consume_queues = -1;
  double key_index = -1;
};

struct QueueId {
  std::string topic;
  std::int32_t queue_id = 0;
  friend auto operator<=>(const QueueId&, const QueueId&) = default;
};

class StagedPuts;

/// Commit log, consume queues and key index of one broker behind one door. Source: DefaultMessageStore.java 5.3.
///
/// Life:    constructed by `make_message_store`, `start()` recovers and starts services, `stop()` makes everything durable.
/// Threads: every member may be called from any thread. Callbacks run on a store thread or inside the call.
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Locks the folder, loads, recovers, dispatches what is not indexed yet. Errors: `already_running`, `io_error`, …
  [[nodiscard]] virtual Result<void> start() = 0;
  virtual void stop() = 0;

  /// Prepares records of one queue to be appended with consecutive queue offsets as one unit; an inner batch, which holds several messages,
  /// takes a queue offset for each. The messages may go after the call.
  virtual void stage(std::span<const PutMessage> messages, StagedPuts& puts) = 0;
  /// Appends what was staged, in order, and fills in the results. Who follows the log (readers, flushing, replicas) is told by `publish`,
  /// which the caller owes, once for many appends. When a result must wait, `when_kept` says what becomes of it.
  virtual void append_staged(StagedPuts& puts) = 0;
  /// Both for one unit.
  [[nodiscard]] PutResult append(std::span<const PutMessage> messages);
  /// Tells everybody who follows the log of what was appended. Cheap when there is nothing new. `may_enter`: the caller has done what
  /// others wait for, and may itself make a few records readable and answer held pulls, when nobody else is at it.
  virtual void publish(bool may_enter) = 0;
  /// The callback runs once, when what the settings promise (flushed, replicated) is true or its deadline has passed; perhaps inside the
  /// call. `appended` is a result of `append` that must wait.
  virtual void when_kept(PutResult appended, PutCallback callback) = 0;

  /// `append` to `when_kept` in one: the callback runs inside the call when there is nothing to wait for.
  void put_batch(std::span<const PutMessage> messages, PutCallback callback) {
    PutResult result = append(messages);
    publish(false);
    if (!result.must_wait()) return callback(result);
    when_kept(std::move(result), std::move(callback));
  }
  /// The same for a single record.
  void put(const PutMessage& message, PutCallback callback) { put_batch({&message, 1}, std::move(callback)); }
  /// For services of the broker: appends and waits. Not from an io thread.
  [[nodiscard]] virtual PutResult put_sync(const PutMessage& message) = 0;

  /// Messages of a queue from an offset on. Records that are no longer near the end of the log are given out only when their checksum
  /// is right; a damaged one is passed over and told in the log.
  [[nodiscard]] virtual GetResult get(const GetRequest& request) = 0;
  /// The record at a physical offset; `size` 0: taken from the record itself. Empty when there is none.
  [[nodiscard]] virtual std::optional<PinnedSlice> record_at(std::int64_t physical_offset, std::int32_t size = 0) = 0;
  /// One consume queue entry, for services that walk a queue.
  struct QueueEntry {
    std::int64_t physical_offset = 0;
    std::int32_t size = 0;
    std::int64_t tags_code = 0;
    std::int64_t next_queue_offset = 0;  ///< Behind the last message of the record.
    bool blank = false;                  ///< In place of a message that the log does not have: it is passed over.
  };
  [[nodiscard]] virtual std::optional<QueueEntry> queue_entry(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) = 0;
  /// For a service that walks a queue and did not get the record of that offset. True while it may still come: the unit is being mended, or
  /// the disk asked again; the service comes back to it. False once that was given up, and told: the service goes past it.
  [[nodiscard]] virtual bool may_be_mended(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) = 0;

  [[nodiscard]] virtual std::int64_t min_offset(std::string_view topic, std::int32_t queue_id) = 0;
  [[nodiscard]] virtual std::int64_t max_offset(std::string_view topic, std::int32_t queue_id) = 0;
  /// Lower: first offset whose store time ≥ `timestamp_ms`; upper: last one whose store time ≤ it (reference remoting 7.3).
  [[nodiscard]] virtual std::int64_t offset_by_time(std::string_view topic, std::int32_t queue_id, std::int64_t timestamp_ms,
                                                    bool upper) = 0;
  /// Store time of that message, or -1.
  [[nodiscard]] virtual std::int64_t store_time(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) = 0;
  /// True when the message of that offset is (likely) no longer in memory; false for an unknown one.
  [[nodiscard]] virtual bool is_cold(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset) = 0;

  struct KeyQueryResult {
    std::vector<PinnedSlice> records;  ///< Ascending physical offset.
    std::int64_t index_last_update_timestamp = 0;
    std::int64_t index_last_update_physical_offset = 0;
  };
  [[nodiscard]] virtual KeyQueryResult query_by_key(std::string_view topic, std::string_view key, std::int32_t count_max,
                                                    std::int64_t begin_ms, std::int64_t end_ms) = 0;

  [[nodiscard]] virtual std::int64_t min_physical_offset() = 0;
  [[nodiscard]] virtual std::int64_t max_physical_offset() = 0;
  [[nodiscard]] virtual std::int64_t flushed_physical_offset() = 0;
  [[nodiscard]] virtual std::int64_t dispatch_behind_bytes() = 0;
  [[nodiscard]] virtual bool writable() = 0;
  /// How often a file of the commit log was flushed so far.
  [[nodiscard]] virtual std::int64_t flush_count() = 0;
  [[nodiscard]] virtual std::vector<QueueId> queues() = 0;
  /// Removes the consume queues of topics not in `keep`, but for those of LMQs, which are no topics. Number of topics removed.
  virtual std::int32_t delete_topics_except(const std::vector<std::string>& keep) = 0;
  virtual void delete_topic(std::string_view topic) = 0;
  /// Removes what retention allows now (manual command), and goes on for the next rounds whatever the hour. False when nothing could be
  /// done now.
  virtual bool delete_expired_files() = 0;
  /// Removes the queues of which no message is left in the log, but for those of topics that `keep` names. Their counting goes on until the
  /// next start. Number of queues removed.
  virtual std::int32_t clean_expired_queues(const std::function<bool(std::string_view topic)>& keep) = 0;
  [[nodiscard]] virtual DiskUsage disk_usage() = 0;

  /// Called after a message became readable through its queue, on the dispatching thread; must be quick. Set before `start()`.
  using ArrivalListener = std::function<void(const ArrivedMessage&)>;
  /// `awaited`: whether somebody waits for a message just now, asked on any thread; null: always. While nobody does, messages become
  /// readable up to a millisecond after they were stored, which spares the dispatcher most of its wake-ups.
  virtual void set_arrival_listener(ArrivalListener listener, std::function<bool()> awaited = nullptr) = 0;
  /// Somebody waits from now on: makes what is stored readable without delay.
  virtual void hasten() = 0;

  // For replication.
  /// Readable bytes of the log at that offset, within one file, at most `size_max`; empty when there are none.
  [[nodiscard]] virtual std::optional<PinnedSlice> log_bytes(std::int64_t physical_offset, std::size_t size_max) = 0;
  /// Appends bytes of a master verbatim; `physical_offset` must be the end of the log, or anything for an empty one.
  [[nodiscard]] virtual Result<void> append_replicated(std::int64_t physical_offset, std::string_view bytes) = 0;
  [[nodiscard]] virtual std::int64_t log_file_size() = 0;
  /// Called when an advance of the log's end is published, on that thread; must be quick. Set before `start()`.
  virtual void set_append_listener(std::function<void()> listener) = 0;
  /// The number of replicas (master excluded) that must hold a record before a put is answered, 0 for none; and what replicas hold.
  virtual void set_replica_acks_needed(std::int32_t count) = 0;
  /// Every replica's acknowledged end, one item a connection; wakes waiting puts.
  virtual void update_replica_acks(std::span<const std::int64_t> acknowledged) = 0;
};

/// Settings of the store, taken from `broker.conf` by its owner. Defaults are Java's (MessageStoreConfig.java 5.3).
struct MessageStoreOptions {
  std::string root;                                   ///< storePathRootDir.
  std::string commit_log_path;                        ///< storePathCommitLog, several separated by commas; empty: root/commitlog.
  std::string read_only_commit_log_paths;             ///< readOnlyCommitLogStorePaths, the same.
  std::int64_t commit_log_file_size = 1'073'741'824;  ///< mappedFileSizeCommitLog.
  std::int64_t consume_queue_file_size = 6'000'000;   ///< mappedFileSizeConsumeQueue, a multiple of 20.
  std::int64_t batch_queue_file_size = 13'800'000;    ///< mapperFileSizeBatchConsumeQueue, a multiple of 46.
  std::int32_t index_slots = 5'000'000;               ///< maxHashSlotNum.
  std::int32_t index_entries = 20'000'000;            ///< maxIndexNum.
  bool index_enabled = true;                          ///< messageIndexEnable.
  bool sync_flush = false;                            ///< flushDiskType=SYNC_FLUSH.
  std::int64_t flush_interval_ms = 500;               ///< flushIntervalCommitLog.
  std::int64_t upkeep_interval_ms = 1'000;            ///< Between two checkpoints; index flushes count in tens of them.
  std::int64_t clean_interval_ms = 10'000;            ///< cleanResourceInterval: between two looks for expired files.
  std::int64_t sync_flush_timeout_ms = 5'000;         ///< syncFlushTimeout.
  std::int64_t slave_timeout_ms = 3'000;              ///< slaveTimeout.
  std::int64_t message_size_max = 4 * 1024 * 1024;    ///< maxMessageSize.
  std::int64_t page_cache_busy_ms = 1'000;            ///< osPageCacheBusyTimeOutMills.
  std::int64_t append_wait_ms = 0;                    ///< waitTimeMillsInSendQueue; 0: as long as it takes.
  std::int32_t file_reserved_hours = 72;              ///< fileReservedTime.
  std::string delete_when = "04";                     ///< deleteWhen.
  double disk_used_ratio_max = 0.75;                  ///< diskMaxUsedSpaceRatio / 100.
  double disk_clean_ratio = 0.85;                     ///< diskSpaceCleanForciblyRatio / 100.
  bool disk_clean_forcibly = true;                    ///< cleanFileForciblyEnable.
  std::int32_t delete_batch_max = 10;                 ///< deleteFileBatchMax.
  double disk_full_ratio = 0.90;                      ///< diskSpaceWarningLevelRatio / 100.
  std::int32_t transfer_count_max = 32;               ///< maxTransferCountOnMessageInMemory.
  std::int64_t transfer_bytes_max = 256 * 1024;       ///< maxTransferBytesOnMessageInMemory.
  std::int32_t transfer_count_cold_max = 8;           ///< maxTransferCountOnMessageInDisk.
  std::int64_t transfer_bytes_cold_max = 64 * 1024;   ///< maxTransferBytesOnMessageInDisk.
  std::int32_t memory_ratio = 40;                     ///< accessMessageInMemoryMaxRatio, percent of memory.
  std::vector<std::string> delay_levels;              ///< For due times in the delay topic's queues: "1s", "5s", …
  bool replica = false;                               ///< Puts are refused, bytes come from a master.
  /// Called by `start` once the folder is locked, before anything is read that `is_batch_topic` decides on. Null: nothing.
  std::function<void()> on_locked;
  /// Whether the attribute `queue.type` of a topic says BatchCQ; empty for a topic that is not known. Null: no topic is. Any thread.
  std::function<std::optional<bool>(std::string_view topic)> is_batch_topic;

  bool consume_queue_ext = false;                       ///< enableConsumeQueueExt.
  std::int64_t consume_queue_ext_file_size = 48 << 20;  ///< mappedFileSizeConsumeQueueExt.
  /// Bit map of a message for the extension of its queue (enableCalcFilterBitMap); empty: extensions have none. Runs on the dispatcher.
  std::function<std::string(std::string_view topic, std::string_view properties)> bit_map_of;
  bool lmq = false;             ///< enableLmq: messages may name queues `%LMQ%...` to be listed in as well.
  bool multi_dispatch = false;  ///< enableMultiDispatch: they are listed there.
};

/// Where the commit log lies. Its `writable` is empty when the settings leave no folder to write to.
[[nodiscard]] commitlog::FileFolders commit_log_folders(const MessageStoreOptions& options);

/// The store on disk. `system` and `clock` outlive it.
[[nodiscard]] std::unique_ptr<MessageStore> make_message_store(MessageStoreOptions options, FileSystem& system, Clock& clock);

}  // namespace skylark::broker
