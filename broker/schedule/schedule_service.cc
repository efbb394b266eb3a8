// SPDX-License-Identifier: Apache-2.0
#include "broker/schedule/schedule_service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "broker/json_file.h"
#include "broker/schedule/scheduled_message.h"
#include "broker/topic_names.h"

namespace skylark::broker {
namespace {

constexpr std::int64_t kRetryMs = 1'000;         // After the store refused a put, or a message waits to be mended.
constexpr std::int64_t kWaitMaxMs = 500;         // The shortest delay is 1 s, so a new message is seen in time; and the clock may be set.
constexpr std::int64_t kLevelMax = 10'000;       // Of a file: more is nonsense.
constexpr std::int32_t kMessagesPerRound = 256;  // Of one level before the next level gets its turn.

}  // namespace

ScheduleService::ScheduleService(MessageStore& store, DelayLevels levels, ScheduleOptions options, FileSystem& files, Clock& clock)
    : store_(store), levels_(std::move(levels)), options_(std::move(options)), files_(files), clock_(clock) {}

ScheduleService::~ScheduleService() { stop(); }

Result<void> ScheduleService::load() {
  const auto content = read_json_file(files_, options_.progress_path);
  if (!content) return content.error();
  const std::lock_guard lock(mutex_);
  take_progress(*content);
  correct_offsets();
  return {};
}

void ScheduleService::take_progress(const json::Value& content) {
  version_ = DataVersion::from_json(content["dataVersion"]);
  offsets_.clear();
  for (const auto& [level, offset] : content["offsetTable"].members()) {
    const std::int64_t number = level.as_integer();
    if (number >= 1 && number <= kLevelMax) offsets_[static_cast<std::int32_t>(number)] = offset.as_integer();
  }
}

void ScheduleService::correct_offsets() {
  for (auto& [level, offset] : offsets_) {
    const std::int64_t begin = store_.min_offset(names::kScheduleTopic, level - 1);
    const std::int64_t end = store_.max_offset(names::kScheduleTopic, level - 1);
    const std::int64_t corrected = std::max(begin, std::min(offset, end));
    if (corrected == offset) continue;
    log::warn("delay level {}: progress {} is outside of its queue [{}, {}], moved to {}", level, offset, begin, end, corrected);
    offset = corrected;
    dirty_ = true;
  }
}

void ScheduleService::start() {
  if (const auto loaded = load(); !loaded) log::error("{} cannot be read: {}", options_.progress_path, loaded.error().message());
  const std::lock_guard lock(mutex_);
  if (thread_.joinable() || !options_.deliver) return;
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void ScheduleService::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  wake_.notify_all();
  if (!thread.joinable()) return;
  thread.join();
  if (const auto persisted = persist(); !persisted)
    log::error("{} cannot be written: {}", options_.progress_path, persisted.error().message());
}

void ScheduleService::run() {
  std::int64_t next_persist_ms = clock_.steady_ms() + options_.persist_interval_ms;
  for (;;) {
    const std::int64_t wait_ms = deliver_due().value_or(kWaitMaxMs);
    if (clock_.steady_ms() >= next_persist_ms) {
      if (const auto persisted = persist(); !persisted)
        log::error("{} cannot be written: {}", options_.progress_path, persisted.error().message());
      next_persist_ms = clock_.steady_ms() + options_.persist_interval_ms;
    }
    std::unique_lock lock(mutex_);
    if (wait_ms > 0) {
      wake_.wait_for(lock, std::chrono::milliseconds(std::min(wait_ms, kWaitMaxMs)), [this] { return stopping_; });
    }
    if (stopping_) return;
  }
}

std::optional<std::int64_t> ScheduleService::deliver_due() {
  std::optional<std::int64_t> wait_ms;
  for (std::int32_t level = 1; level <= levels_.max_level(); ++level) {
    const auto level_wait_ms = deliver_level(level);
    if (level_wait_ms && (!wait_ms || *level_wait_ms < *wait_ms)) wait_ms = level_wait_ms;
  }
  return wait_ms;
}

std::optional<std::int64_t> ScheduleService::deliver_level(std::int32_t level) {
  std::int64_t offset = offset_of(level);
  for (std::int32_t round = 0; round < kMessagesPerRound; ++round) {
    const auto entry = store_.queue_entry(names::kScheduleTopic, level - 1, offset);
    if (!entry) {
      const std::int64_t begin = store_.min_offset(names::kScheduleTopic, level - 1);
      if (offset >= begin) return std::nullopt;  // Nothing there yet.
      move_to(level, offset = begin);            // Retention took what was not delivered.
      continue;
    }
    if (entry->blank) {
      log::error("delay level {}: message {} is missing", level, offset);
      move_to(level, ++offset);
      continue;
    }
    // A due time further away than the level's delay comes from a clock or a configuration that has changed since: deliver now.
    const std::int64_t wait_ms = entry->tags_code - clock_.now_ms();
    if (wait_ms > 0 && wait_ms <= levels_.delay_ms(level)) return wait_ms;
    if (!deliver_one(*entry, level, offset)) return kRetryMs;
    move_to(level, ++offset);
  }
  return 0;
}

/// False when the store cannot give it, or take it, for now; the message keeps its turn.
bool ScheduleService::deliver_one(const MessageStore::QueueEntry& entry, std::int32_t level, std::int64_t offset) {
  const auto record = load_listed(store_, {std::string(names::kScheduleTopic), level - 1}, offset, entry);
  if (!record && store_.may_be_mended(names::kScheduleTopic, level - 1, offset)) return false;
  OwnedMessage message;
  if (!record || !restore_scheduled(record->view, message)) {
    log::error("delay level {}: message {} at {} cannot be delivered: {}", level, offset, entry.physical_offset,
               record ? "it does not say where it belongs" : "it is not in the log");
    return true;
  }
  const PutResult put = store_.put_sync(message.put);
  if (put.stored()) return true;
  if (put.status == PutStatus::message_illegal) {
    log::error("delay level {}: message {} at {} for topic {} is refused by the store", level, offset, entry.physical_offset,
               message.topic);
    return true;
  }
  return false;
}

std::int64_t ScheduleService::offset_of(std::int32_t level) const {
  const std::lock_guard lock(mutex_);
  const auto found = offsets_.find(level);
  return found == offsets_.end() ? 0 : found->second;
}

void ScheduleService::move_to(std::int32_t level, std::int64_t offset) {
  const std::lock_guard lock(mutex_);
  offsets_[level] = offset;
  dirty_ = true;
}

std::map<std::int32_t, std::int64_t> ScheduleService::progress() const {
  const std::lock_guard lock(mutex_);
  return offsets_;
}

json::Value ScheduleService::progress_json() const {
  const std::lock_guard lock(mutex_);
  json::Object table;
  for (const auto& [level, offset] : offsets_) table.emplace_back(level, offset);
  json::Value content;
  content.set("dataVersion", version_.to_json());
  content.set("offsetTable", std::move(table));
  return content;
}

Result<void> ScheduleService::apply_progress(std::string_view text) {
  const auto content = json::parse(text);
  if (!content) return content.error();
  {
    const std::lock_guard lock(mutex_);
    take_progress(*content);
    dirty_ = false;
  }
  return write_json_file(files_, options_.progress_path, json::write_pretty(progress_json()));
}

Result<void> ScheduleService::persist() {
  {
    const std::lock_guard lock(mutex_);
    if (!dirty_) return {};
    dirty_ = false;
    version_.bump(clock_.now_ms());
  }
  return write_json_file(files_, options_.progress_path, json::write_pretty(progress_json()));
}

}  // namespace skylark::broker
