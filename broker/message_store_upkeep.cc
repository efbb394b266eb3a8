// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include <pthread.h>

#include "base/log.h"
#include "broker/message_store_impl.h"
#include "broker/store_left.h"
#include "commitlog/inner_queues.h"

namespace skylark::broker {
namespace {

constexpr std::int64_t kFlushIndexesTicks = 10;           // How much of the indexes a crash makes recovery build again,
constexpr std::int64_t kFlushIndexesBytes = 512LL << 20;  // and of how much of the log at most: 0.3 s of reading, when the disk keeps up.
constexpr std::int64_t kFirstExpiryTick = 60;             // As Java, which gives a starting broker a minute.
constexpr std::int64_t kMendBytes = 256 << 20;            // Of the log, read in one tick for queues to be mended: half a second of a disk.
constexpr std::int64_t kRestTicks = 60;                   // A queue that nobody used for so long gives its mappings back.

}  // namespace

void MessageStoreImpl::upkeep() {
  ::pthread_setname_np(::pthread_self(), "store-upkeep");
  std::unique_lock lock(upkeep_mutex_);
  const std::chrono::milliseconds interval(std::max<std::int64_t>(options_.upkeep_interval_ms, 1));
  const std::int64_t expiry_ticks = std::max<std::int64_t>(options_.clean_interval_ms / interval.count(), 1);
  for (std::int64_t tick = 1; !upkeep_wake_.wait_for(lock, interval, [this] { return upkeep_stopping_; }); ++tick) {
    lock.unlock();
    if (tick % kFlushIndexesTicks == 0 || dispatcher_->position() - indexes_flushed_to_ >= kFlushIndexesBytes) flush_indexes(false);
    {
      const std::scoped_lock ends_lock(ends_mutex_);
      save_ends();
    }
    checkpoint_.update(
        [this](commitlog::CheckpointValues& values) { values.log_timestamp = std::max(values.log_timestamp, log_.flushed_timestamp()); });
    const auto written = checkpoint_.flush();
    if (!written) log::error("cannot write the checkpoint: {}", written.error().message());
    look_at_disks();
    if (tick % expiry_ticks == 0 && tick >= kFirstExpiryTick) remove_expired();
    mender_->step(kMendBytes);
    queues_.limit_mappings();  // Those that readers made.
    if (tick % kRestTicks == 0) {
      for (const auto& queue : queues_.queues()) queue->rest();
    }
    lock.lock();
  }
}

/// Makes queues and key index durable and lets the checkpoint say so. After a failure it never says so again: a second flush proves
/// nothing.
void MessageStoreImpl::flush_indexes(bool clean) {
  const std::scoped_lock lock(ends_mutex_);
  if (index_flush_failed_) return;
  std::optional<consumequeue::StoreEnds> ends;                    // Noted before the flush: what they say is durable after it.
  if (clean || !ends_ || ends_changed_) ends = note_ends(clean);  // Others still wait for the log, and would wait for ever.
  indexes_flushed_to_ = dispatcher_->position();
  const std::int64_t timestamp = dispatcher_->timestamp();  // Before the flush: all up to it is entered.
  auto flushed = queues_.flush();
  if (flushed && index_) flushed = index_->flush();
  if (!flushed) {
    index_flush_failed_ = true;
    log::error("cannot flush the indexes: {}; the next start builds them again", flushed.error().message());
    return;
  }
  checkpoint_.update([&](commitlog::CheckpointValues& values) {
    values.log_timestamp = std::max(values.log_timestamp, log_.flushed_timestamp());
    values.queues_timestamp = std::max(values.queues_timestamp, timestamp);
    if (index_) values.index_timestamp = std::max(values.index_timestamp, index_->safe_timestamp(log_.flushed()));
  });
  if (ends) ends_ = std::move(ends);
  save_ends();
}

/// Where everything ends now; empty when the file system does not answer, or nothing has changed.
std::optional<consumequeue::StoreEnds> MessageStoreImpl::note_ends(bool clean) {
  consumequeue::StoreEnds ends;
  ends.clean = clean;
  ends.durable_offset = dispatcher_->position();
  if (!clean && ends.durable_offset == saved_end_ && !ends_changed_.exchange(false)) return std::nullopt;
  const auto now = consumequeue::file_time_now(system_, store_ends_path(options_.root));
  if (!now) {
    log::warn("cannot note the ends of the queues in {}: {}", options_.root, now.error().message());
    ends_changed_ = true;
    return std::nullopt;
  }
  ends.taken_ms = *now;
  ends.lock_modified_ms = lock_modified_ms_;
  ends.store_timestamp = dispatcher_->timestamp();
  ends.last_record = dispatcher_->last_record();
  if (ends.last_record >= ends.durable_offset) ends.last_record = -1;  // Of a record that was entered just now.
  const std::scoped_lock lock(expiry_mutex_);                          // Which moves the beginnings of log and queues.
  expire_indexes();
  ends.log_begin = mins_found_for_ == log_.begin() ? mins_found_for_ : -1;
  queues_.note(ends);
  ends.with_index = index_ != nullptr;
  if (index_) ends.index = index_->state();
  return ends;
}

/// Writes the ends once the log is durable as far as they reach.
void MessageStoreImpl::save_ends() {
  if (!ends_ || log_.flushed() < ends_->durable_offset) return;
  const auto saved = consumequeue::save_store_ends(system_, store_ends_path(options_.root), *ends_);
  if (saved) {
    saved_end_ = ends_->durable_offset;
    checkpoint_.set_durable(commitlog::DurableMark{saved_end_, lock_modified_ms_});
    const auto marked = checkpoint_.flush();
    if (!marked) log::error("cannot write the checkpoint: {}", marked.error().message());
  } else {
    log::warn("cannot write {}: {}; a start reads more", store_ends_path(options_.root), saved.error().message());
    ends_changed_ = true;
  }
  ends_.reset();
}

std::int32_t MessageStoreImpl::remove_expired() {
  const std::scoped_lock lock(expiry_mutex_);
  const std::int32_t removed = retention_.run(log_);
  disk_full_ = retention_.look(log_).full;
  expire_indexes();
  return removed;
}

/// Tells queues and key index where the log begins, unless they know. While the dispatcher is still at records that are gone, or a unit
/// cannot be read, they do not know for good.
void MessageStoreImpl::expire_indexes() {
  const std::int64_t begin = log_.begin();
  if (begin == mins_found_for_) return;
  bool found = dispatcher_->position() >= begin;
  for (const auto& queue : queues_.queues()) found = queue->expire(begin) && found;
  if (index_) index_->expire(begin);
  ends_changed_ = true;
  if (found) mins_found_for_ = begin;
}

/// Unlike removing, which gives a starting broker a minute, this is done from the start on: a full disk is said before it is met.
void MessageStoreImpl::look_at_disks() {
  const std::scoped_lock lock(expiry_mutex_);
  disk_full_ = retention_.look(log_).full;
}

DiskUsage MessageStoreImpl::disk_usage() {
  const auto used = [this](const std::string& folder) {
    const auto space = system_.space(folder);
    return space ? space->used_ratio() : -1.0;
  };
  const auto& folders = log_.files().folders();
  double least = 1.0;
  for (std::size_t i = 0; i < log_.files().writable_folders(); ++i) least = std::min(least, used(folders[i]));
  const double root = used(options_.root);
  return {.commit_log = least, .consume_queues = root, .key_index = root};
}

bool MessageStoreImpl::delete_expired_files() {
  {
    const std::scoped_lock lock(expiry_mutex_);
    retention_.remove_at_any_hour();
  }
  return remove_expired() > 0;
}

std::int32_t MessageStoreImpl::clean_expired_queues(const std::function<bool(std::string_view)>& keep) {
  std::unique_lock lock(expiry_mutex_);
  std::int32_t removed = 0;
  for (const auto& named : queues_.all()) {
    const std::int64_t last = named.queue->max_physical_offset();  // Behind the last record that it lists.
    if (last <= 0 || last > log_.begin() || keep(named.topic)) continue;
    if (queues_.remove_queue(named.topic, named.queue_id)) ++removed;
  }
  lock.unlock();
  if (removed > 0) forget_removed();
  return removed;
}

std::int32_t MessageStoreImpl::delete_topics_except(const std::vector<std::string>& keep) {
  std::int32_t removed = 0;
  for (const std::string& topic : queues_.topics()) {
    if (commitlog::is_lmq(topic) || std::find(keep.begin(), keep.end(), topic) != keep.end()) continue;
    queues_.remove_topic(topic);
    log_.forget_topic(topic);
    ++removed;
  }
  if (removed > 0) forget_removed();
  return removed;
}

void MessageStoreImpl::delete_topic(std::string_view topic) {
  if (queues_.remove_topic(topic)) forget_removed();
  log_.forget_topic(topic);
}

/// At once, or with the next flush of the log, so that a start after a kill does not take the queues for lost.
void MessageStoreImpl::forget_removed() {
  ends_changed_ = true;
  flusher_->request();
  flush_indexes(false);
}

}  // namespace skylark::broker
