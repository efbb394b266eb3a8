// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>

#include "commitlog/commit_log.h"
#include "consumequeue/queue_place.h"
#include "protocol/remoting_command.h"

namespace skylark::broker {

/// Gets records out of the commit log for readers.
///
/// What this process appended a short while ago is handed out as it is mapped. Older records are looked at first: those in memory are
/// handed out from the mapping too, the others are read from disk, into memory of their own, so that a failing disk is an answer and not
/// the end of the process. Older records must be whole: their place and the checksum of their body are right. A record that a queue lists
/// must say so itself, as a changed unit can lead to the record of another.
/// Threads: any.
class RecordReader {
 public:
  enum class Outcome {
    found,
    gone,     ///< The log does not have that range (any more).
    on_disk,  ///< It would have to be read from disk, and the caller may not wait.
    damaged,  ///< What lies there is not a whole record; told in the log, once for each place.
    foreign,  ///< The record there does not belong to that place of the queue: the unit is damaged.
    failed,   ///< The disk did not give it; told in the log.
  };
  struct Read {
    Outcome outcome = Outcome::gone;
    PinnedSlice slice;
  };

  /// `log` outlives the reader.
  explicit RecordReader(const commitlog::CommitLog& log) : log_(log) {}

  /// Where the appends of this process begin; before that nothing is taken to be in memory unasked.
  void set_appended_from(std::int64_t physical_offset) noexcept { appended_from_ = physical_offset; }
  /// May wait for the disk.
  [[nodiscard]] Read record(std::int64_t physical_offset, std::int64_t size) const;
  /// Appended by this process, and near enough to the end of the log to be in memory.
  [[nodiscard]] bool just_appended(std::int64_t physical_offset) const noexcept {
    return physical_offset >= appended_from_ && log_.end() - physical_offset <= kJustAppendedMax;
  }
  /// What lies behind a record that was just appended, that included, up to the end of its file or of the log: all of it just appended.
  struct Recent {
    std::int64_t begin = 0;
    PinnedSlice slice;  ///< Empty: nothing.
    [[nodiscard]] bool empty() const noexcept { return slice.bytes.empty(); }
    [[nodiscard]] bool holds(std::int64_t physical_offset, std::int64_t size) const noexcept {
      return physical_offset >= begin && size <= static_cast<std::int64_t>(slice.bytes.size()) - (physical_offset - begin);
    }
    [[nodiscard]] std::string_view record(std::int64_t physical_offset, std::int64_t size) const noexcept {
      return {slice.bytes.data() + (physical_offset - begin), static_cast<std::size_t>(size)};
    }
  };
  [[nodiscard]] Recent recent(std::int64_t physical_offset) const;
  /// As `record`, for one that a unit lists, just appended or not; `on_disk` when it would have to wait and may not. `recent`: what begins
  /// with it when it is found; else empty.
  [[nodiscard]] Read listed(std::int64_t physical_offset, std::int64_t size, bool may_wait, const consumequeue::QueuePlace& place,
                            Recent& recent) const;
  /// The first bytes of a record, unchecked; may wait for the disk. Empty when they cannot be had.
  [[nodiscard]] std::optional<PinnedSlice> head(std::int64_t physical_offset, std::int64_t size) const;

 private:
  static constexpr std::int64_t kJustAppendedMax = 64 << 20;  // Bytes behind the end that stay in memory whatever else the machine does.

  [[nodiscard]] Read read(std::int64_t physical_offset, std::int64_t size, bool may_wait) const;
  /// What was found, or why it is not handed out. `place`: of the unit that lists the record; null: none does.
  [[nodiscard]] Read checked(Read found, std::int64_t physical_offset, const consumequeue::QueuePlace* place) const;
  void report_damage(std::int64_t physical_offset) const;

  const commitlog::CommitLog& log_;
  std::atomic<std::int64_t> appended_from_{0};
  mutable std::mutex mutex_;
  mutable std::set<std::int64_t> reported_;
};

}  // namespace skylark::broker
