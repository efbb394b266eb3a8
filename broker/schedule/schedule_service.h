// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "broker/message_store.h"
#include "broker/schedule/delay_levels.h"
#include "broker/service.h"
#include "protocol/bodies/data_version.h"
#include "protocol/json.h"

namespace skylark::broker {

struct ScheduleOptions {
  std::string progress_path;                  ///< config/delayOffset.json.
  std::int64_t persist_interval_ms = 10'000;  ///< flushDelayOffsetInterval.
  bool deliver = true;                        ///< Off on a replica: its master delivers.
};

/// Delivers delayed messages: walks each level's queue of the schedule topic in order and puts every message into its real topic
/// once it is due. Runs on masters only; a replica loads and applies its master's progress.
///
/// Life:    `start()` loads, `stop()` persists; what is delivered between two writes of the progress file is delivered again after a crash.
/// Threads: every member may be called from any thread, `deliver_due()` from one at a time.
/// Source:  ScheduleMessageService.java 5.3.
class ScheduleService final : public Service {
 public:
  ScheduleService(MessageStore& store, DelayLevels levels, ScheduleOptions options, FileSystem& files, Clock& clock);
  ~ScheduleService() override;  ///< Stops.
  ScheduleService(const ScheduleService&) = delete;
  ScheduleService& operator=(const ScheduleService&) = delete;

  /// Reads the progress file (done by `start()`) and moves each level into the range of its queue, so call it after the store has
  /// recovered. Errors: `malformed` when neither the file nor its `.bak` can be read.
  [[nodiscard]] Result<void> load();
  /// Call it after the store has recovered. Progress that cannot be read is logged, and everything scheduled is delivered again.
  void start() override;
  /// Ends the delivery thread and writes the progress.
  void stop() override;

  /// Delivers what is due now, some messages of each level. Returns how long to wait, in milliseconds, for the next one;
  /// empty when nothing is scheduled.
  std::optional<std::int64_t> deliver_due();

  /// Level → offset of the next message in its queue. Levels that never had one are absent.
  [[nodiscard]] std::map<std::int32_t, std::int64_t> progress() const;
  /// Content of delayOffset.json, which is also the answer to request 45.
  [[nodiscard]] json::Value progress_json() const;
  /// Takes over a master's answer to request 45 and writes it. Errors: `malformed`, or what the disk says.
  [[nodiscard]] Result<void> apply_progress(std::string_view text);
  [[nodiscard]] Result<void> persist();

  [[nodiscard]] const DelayLevels& levels() const noexcept { return levels_; }

 private:
  void run();
  std::optional<std::int64_t> deliver_level(std::int32_t level);
  bool deliver_one(const MessageStore::QueueEntry& entry, std::int32_t level, std::int64_t offset);
  std::int64_t offset_of(std::int32_t level) const;
  void move_to(std::int32_t level, std::int64_t offset);
  void take_progress(const json::Value& content);  // With the mutex held, as the next one.
  void correct_offsets();

  MessageStore& store_;
  const DelayLevels levels_;
  const ScheduleOptions options_;
  FileSystem& files_;
  Clock& clock_;

  mutable std::mutex mutex_;  ///< Guards everything below.
  std::map<std::int32_t, std::int64_t> offsets_;
  DataVersion version_;
  bool dirty_ = false;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace skylark::broker
