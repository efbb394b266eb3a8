// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "commitlog/commit_log.h"
#include "commitlog/inner_queues.h"
#include "consumequeue/key_index.h"
#include "consumequeue/queue_place.h"
#include "consumequeue/queue_table.h"
#include "protocol/message.h"

namespace skylark::consumequeue {

/// Delay of each level in milliseconds, level 1 first, from words such as `1s`, `10m`, `2h`, `1d`. Errors: `invalid_argument`.
[[nodiscard]] Result<std::vector<std::int64_t>> parse_delay_levels(const std::vector<std::string>& words);

/// What a consume queue holds as tags code of that record: the hash of its tags, or in the delay topic the time when it is due.
[[nodiscard]] std::int64_t queue_tags_code(const MessageView& record, const std::vector<std::int64_t>& delay_levels_ms);

/// Enters one record into its queue and the inner queues that it names and, when there is one, into the key index. Prepared and rollback
/// records have no place in a queue. Repeating is harmless. Errors: those of the disk.
class Indexer {
 public:
  Indexer(QueueTable& queues, KeyIndex* index, std::vector<std::int64_t> delay_levels_ms, commitlog::InnerQueueOptions inner = {})
      : queues_(queues), index_(index), delay_levels_ms_(std::move(delay_levels_ms)), inner_(inner) {}
  struct Entered {
    bool queued = false;         ///< Its own queue got it,
    std::int64_t tags_code = 0;  ///< with that tags code.
  };
  /// Gives the bit map of a message for the extension of its queue; without it they have none. Set before use.
  using BitMapSource = std::function<std::string(std::string_view topic, std::string_view properties)>;
  void set_bit_map_source(BitMapSource source) { bit_map_of_ = std::move(source); }
  [[nodiscard]] Result<Entered> add(const MessageView& record, bool repeat_last_key = false);
  /// Those records are about to be added, one by one. See `QueueTable::look_ahead`.
  void look_ahead(std::span<const MessageView> records) const { queues_.look_ahead(records); }
  /// Tells whether a queue is to get the record.
  using Wanted = std::function<bool(std::string_view topic, std::int32_t queue_id)>;
  /// Into those of its queues alone.
  [[nodiscard]] Result<void> add_to_queues(const MessageView& record, const Wanted& wanted);
  [[nodiscard]] const commitlog::InnerQueueOptions& inner() const noexcept { return inner_; }
  /// Calls `visit` with each place at which queues list the record, its own queue first, and with what stands there, until an error. No
  /// queue is asked or changed.
  using PlaceVisitor = std::function<Result<void>(const QueuePlace& place, const QueueEntry& entry)>;
  [[nodiscard]] Result<void> for_each_place(const MessageView& record, const commitlog::InnerQueueOptions& inner,
                                            const PlaceVisitor& visit) const;

 private:
  [[nodiscard]] std::optional<QueueEntry> own_entry(const MessageView& record, std::string_view tags) const;
  [[nodiscard]] static Result<void> for_each_inner_place(const MessageView& record, const QueueEntry& own,
                                                         const commitlog::InnerQueueOptions& inner, const PlaceVisitor& visit);
  [[nodiscard]] Result<Entered> enter(const MessageView& record, std::string_view tags, const Wanted* wanted = nullptr);

  QueueTable& queues_;
  KeyIndex* index_;
  const std::vector<std::int64_t> delay_levels_ms_;
  BitMapSource bit_map_of_;
  const commitlog::InnerQueueOptions inner_;
};

/// Follows the commit log up to its confirmed end and enters each record into the indexes, in order, on a thread of its own.
///
/// Whoever has appended while readers wait may enter a few records in place of a thread that sleeps: to wake it, and to be put aside for
/// it, takes several times as long. After records it rests for a millisecond, when nobody waits for the next ones: to wake it for each of
/// them costs its thread and the appender's more than to enter them. A disk that refuses an entry is tried again every second: nothing is
/// skipped, and `stalled` says so meanwhile. Life:    `start` at the log's end after recovery; `stop` handles what is confirmed and joins.
/// Threads: any. Source: DefaultMessageStore.ReputMessageService 5.3.
class Dispatcher {
 public:
  /// Called for each record that a queue got, in order, after it became readable there.
  using Listener = std::function<void(const MessageView& record, std::int64_t tags_code)>;

  Dispatcher(commitlog::CommitLog& log, Indexer& indexer, Listener listener);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// `last_record`, `timestamp`: of the record before `from`, where they are known.
  void start(std::int64_t from, std::int64_t last_record = -1, std::int64_t timestamp = 0);
  /// Whether somebody waits for the records, and then whether the caller can spare the time to enter a few of them itself. It calls the
  /// listener then.
  enum class Haste : std::uint8_t { none, at_once, by_caller };
  /// The confirmed end may have moved. Cheap while records are being entered anyway. Not from the listener `by_caller`.
  void wake(Haste haste);
  void stop();
  /// Behind the last record that was entered.
  [[nodiscard]] std::int64_t position() const noexcept { return position_.load(std::memory_order_acquire); }
  /// Where the last record that was entered begins; -1 before the first. It may be newer than a `position()` that was asked for before.
  [[nodiscard]] std::int64_t last_record() const noexcept { return last_record_.load(std::memory_order_acquire); }
  /// Store time of the last record that was entered.
  [[nodiscard]] std::int64_t timestamp() const noexcept { return timestamp_.load(std::memory_order_acquire); }
  [[nodiscard]] bool stalled() const noexcept { return stalled_.load(std::memory_order_relaxed); }

 private:
  /// What the thread does, or who enters in its place, and so who has to wake it. `hurried`: it runs, and somebody waits for what comes.
  enum class State : std::uint8_t { running, hurried, resting, asleep };

  void run();
  /// `some`: as many as wanted, and there are more. `stalled`: it has to be tried again later.
  enum class Drained : std::uint8_t { all, some, stalled };
  [[nodiscard]] Drained drain(std::size_t count_max);
  [[nodiscard]] bool enter_by_caller() noexcept;  // What the listener throws ends the process here too.
  [[nodiscard]] bool more() const;
  bool enter(const MessageView& record);
  std::span<const MessageView> look_ahead(std::string_view bytes);

  commitlog::CommitLog& log_;
  Indexer& indexer_;
  const Listener listener_;
  std::atomic<std::int64_t> position_{0};
  std::atomic<std::int64_t> last_record_{-1};
  std::atomic<std::int64_t> timestamp_{0};
  std::atomic<bool> stalled_{false};
  std::atomic<State> state_{State::running};
  std::mutex turn_;                                           // Of whoever enters records. Taken before `mutex_`.
  std::int64_t blocked_at_ = -1;                              // Confirmed end at which only a part of a record was there. Under `turn_`.
  std::array<MessageView, QueueTable::kLookAheadMax> ahead_;  // Under `turn_`.
  std::mutex mutex_;
  std::condition_variable work_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace skylark::consumequeue
