// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "commitlog/commit_log.h"
#include "consumequeue/dispatcher.h"
#include "consumequeue/queue_place.h"
#include "consumequeue/queue_table.h"

namespace skylark::consumequeue {

/// Mends units of consume queues that were changed on disk, from the commit log, while the store is in use.
///
/// Readers report the places where a unit led them to no whole record of it. Around each the nearest units that are right say which part of
/// the log has the records of those between them; that part is read, and what the queue has otherwise is written anew. A sweep takes many
/// places and reads forward once, however many ranges lie over each other. Nothing of it outlives the process: readers find again what a
/// stop left.
///
/// A place whose record the log does not have is told and left alone from then on. A disk that refuses is tried again, a few times.
/// Life:    log, queues and indexer outlive it.
/// Threads: `report` any; `step` one.
class QueueMender {
 public:
  QueueMender(commitlog::CommitLog& log, const QueueTable& queues, const Indexer& indexer)
      : log_(log), queues_(queues), indexer_(indexer) {}

  enum class Answer {
    noted,     ///< The place was not known, and is from now on.
    waits,     ///< It is known, or there are too many at the moment.
    given_up,  ///< Nothing more is done there.
  };
  /// `queue_offset`: where a reader stood when it met the unit, or when the disk refused the record.
  Answer report(std::string_view topic, std::int32_t queue_id, std::int64_t queue_offset);
  /// Goes on with what is to be mended, reading about so many bytes of the log at most.
  void step(std::int64_t bytes_max);

 private:
  struct Place {
    std::string topic;
    std::int32_t queue_id = 0;
    std::int64_t queue_offset = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Report {
    bool taken = false;           // By the sweep under way.
    std::int32_t failures = 0;    // Of the disk.
    std::int64_t not_before = 0;  // Step.
  };
  /// The units between two that are right, and the part of the log where their records are.
  struct Span {
    std::string topic;
    std::int32_t queue_id = 0;
    QueueTable::QueuePtr queue;
    std::uint64_t cut_count = 0;          // Of the queue, before anything else was asked.
    std::int64_t low = 0, high = 0;       // Numbers of the two units.
    std::int64_t low_next = -1;           // Queue offset with which the first unit between them begins; -1: not known.
    std::int64_t high_offset = 0;         // With which the upper one begins.
    std::int64_t begin = 0, end = 0;      // Of the part of the log.
    std::vector<std::int64_t> offsets{};  // That were reported.
    std::vector<QueueEntry> found{};      // What the log has for them, in the order of the queue.
  };

  void plan();
  struct Unit {
    QueueEntry entry;
    bool whole = false;  // So is its record.
  };
  [[nodiscard]] std::optional<Unit> right_unit(const Span& span, std::int64_t number) const;
  [[nodiscard]] std::optional<Span> span_around(const Place& place);
  [[nodiscard]] Result<void> read_log(std::int64_t stop, std::int64_t end);
  void take(const QueuePlace& place, const QueueEntry& entry);
  [[nodiscard]] static std::vector<std::int64_t> numbers_of(const Span& span);
  void settle(const Span& span);
  [[nodiscard]] static Result<void> write(const Span& span, const std::vector<std::int64_t>& numbers);
  void forget(const Place& place);
  void give_up(const Place& place, const std::string& why);
  void try_later(const Span& span, const ErrorCode& error);

  commitlog::CommitLog& log_;
  const QueueTable& queues_;
  const Indexer& indexer_;

  std::vector<Span> sweep_;  // Of the thread that steps, like the two below.
  std::int64_t at_ = 0;      // How far the log was read for it.
  std::int64_t steps_ = 0;

  std::mutex mutex_;
  std::map<Place, Report> reported_;
  std::set<Place> given_up_;
};

}  // namespace skylark::consumequeue
