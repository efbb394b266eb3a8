// SPDX-License-Identifier: Apache-2.0
#include "commitlog/commit_log.h"

#include <algorithm>
#include <chrono>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "commitlog/inner_queues.h"

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kBlankSize = 8;  // Length and magic: the least that closes a file, CommitLog.END_FILE_MIN_BLANK_LENGTH.
constexpr std::int64_t kPopulateStep = 4 << 20;
constexpr std::int64_t kPopulateStepFlushed = 256 << 10;  // Under SYNC_FLUSH every flush writes what is dirty: keep it little.

/// Says since when the append mutex is held, for `append_held_ms`.
class HeldMark {
 public:
  HeldMark(std::atomic<std::int64_t>& mark, std::int64_t now_ms) noexcept : mark_(mark) { mark_.store(now_ms, std::memory_order_relaxed); }
  ~HeldMark() { mark_.store(0, std::memory_order_relaxed); }
  HeldMark(const HeldMark&) = delete;
  HeldMark& operator=(const HeldMark&) = delete;

 private:
  std::atomic<std::int64_t>& mark_;
};

void stamp(EncodedRecords& records, std::int64_t begin, std::int64_t queue_offset, std::int64_t timestamp) {
  for (const std::size_t at : records.begins) {
    char* const record = records.bytes.data() + at;
    const auto sys_flag = load_be<std::int32_t>(record + record_at::kSysFlag);
    store_be<std::int64_t>(record + record_at::kQueueOffset, queue_offset);
    store_be<std::int64_t>(record + record_at::kPhysicalOffset, begin + static_cast<std::int64_t>(at));
    store_be<std::int64_t>(record + record_at::store_timestamp(sys_flag), timestamp);
    if (records.takes_queue_offset) ++queue_offset;
  }
}

}  // namespace

CommitLog::CommitLog(CommitLogOptions options, FileSystem& system, Clock& clock)
    : options_(std::move(options)), system_(system), clock_(clock), files_(system, options_.folders, options_.file_size) {}

CommitLog::~CommitLog() { close(); }

Result<void> CommitLog::load() {
  for (const std::string& folder : options_.folders.writable) {
    const auto made = system_.create_folders(folder);
    if (made) continue;
    log::error("cannot make the folder {} for the commit log: {}", folder, made.error().message());
    return made.error();
  }
  for (const std::string& folder : options_.folders.read_only) {
    if (system_.is_folder(folder)) continue;
    log::error("{}, a read-only folder of the commit log, is not there: its records would be missing", folder);
    return Errc::not_found;
  }
  const auto loaded = files_.load();
  if (!loaded) return loaded.error();
  if (files_.file_size() != options_.file_size) {
    log::warn("files in {} have {} bytes, not the configured {}: theirs counts", files_.folder(), files_.file_size(), options_.file_size);
  }
  begin_ = std::max<std::int64_t>(files_.begin(), 0);
  end_ = files_.end();  // Until recovery says where the valid bytes end.
  return {};
}

Result<void> CommitLog::open_at(std::int64_t end, std::int64_t store_timestamp, std::optional<Durable> durable) {
  SKYLARK_ASSERT(end >= begin() && end <= files_.end(), "the log cannot end outside of its files");
  const auto removed = files_.remove_from(end + 1);
  if (!removed) return removed.error();

  const std::scoped_lock lock(append_mutex_);
  active_.reset();
  if (!files_.empty() && end < files_.end()) {
    const auto file = files_.find(end);
    if (!file) return file.error();
    const auto cleared = file->mapped->clear_from(end - file->base);
    if (!cleared) return cleared.error();
    active_ = file->mapped;
    active_base_ = file->base;
    active_allocated_ = false;
    next_requested_ = false;
    populated_ = end - file->base;
  }
  begin_ = std::max<std::int64_t>(files_.begin(), 0);
  end_ = end;
  flushed_ = durable ? durable->end : end;
  store_timestamp_ = store_timestamp;
  last_timestamp_ = store_timestamp;
  flushed_timestamp_ = durable ? durable->store_timestamp : store_timestamp;
  preparer_ = std::make_unique<FilePreparer>(system_, files_);
  writable_ = true;
  return {};
}

void CommitLog::close() {
  writable_ = false;
  const std::scoped_lock lock(append_mutex_);
  if (preparer_) preparer_->stop();
}

Result<AppendResult> CommitLog::append(EncodedRecords& records) {
  Result<AppendResult> result;
  append_each({&records, 1}, {&result, 1});
  return result;
}

void CommitLog::append_each(std::span<EncodedRecords> several, std::span<Result<AppendResult>> results) {
  SKYLARK_ASSERT(several.size() == results.size(), "each append has its result");
  std::unique_lock lock(append_mutex_, std::defer_lock);
  if (!lock_for_append(lock)) {
    std::ranges::fill(results, Result<AppendResult>(Errc::busy));
    return;
  }
  const HeldMark held(append_begin_ms_, clock_.steady_ms());
  const std::int64_t now_ms = clock_.now_ms();
  std::optional<ErrorCode> no_room;
  for (std::size_t i = 0; i < several.size(); ++i) {
    results[i] = no_room ? Result<AppendResult>(*no_room) : append_locked(several[i], now_ms);
    const bool of_its_own = results[i] || results[i].error() == Errc::invalid_argument || results[i].error() == Errc::too_large;
    if (!of_its_own) no_room = results[i].error();  // Each would wait as long for a file as this one has.
  }
}

/// False when others held it for too long.
bool CommitLog::lock_for_append(std::unique_lock<std::timed_mutex>& lock) {
  if (options_.append_wait_ms <= 0) {
    lock.lock();
    return true;
  }
  // By the clock of the wall: thread sanitizers do not know of waits by the steady one. A clock that is set makes one wait longer or
  // shorter.
  return lock.try_lock() || lock.try_lock_until(std::chrono::system_clock::now() + std::chrono::milliseconds(options_.append_wait_ms));
}

Result<AppendResult> CommitLog::append_locked(EncodedRecords& records, std::int64_t now_ms) {
  if (records.begins.empty()) return Errc::invalid_argument;
  if (!writable_) return Errc::read_only;
  if (records.inner_batch) records.name_base(next_offsets_.next(records.topic, records.queue_id));
  if (!records.inner_queues.empty()) {
    const auto numbered = add_inner_offsets(records, next_offsets_);
    if (!numbered) return numbered.error();
  }
  const auto size = static_cast<std::int64_t>(records.bytes.size());
  if (size + kBlankSize > files_.file_size()) return Errc::too_large;
  const auto room = make_room(size);
  if (!room) return room.error();

  // Nothing fails from here on.
  AppendResult result;
  result.begin = end_.load(std::memory_order_relaxed);
  result.end = result.begin + size;
  result.store_timestamp = store_timestamp_ = std::max(now_ms, store_timestamp_);
  if (records.takes_queue_offset) {
    std::int64_t& next = next_offsets_.next(records.topic, records.queue_id);
    result.queue_offset = next;
    next += records.message_count;
  }
  count_inner_offsets(records.inner_queues, next_offsets_);
  stamp(records, result.begin, result.queue_offset, result.store_timestamp);
  active_->write(result.begin - active_base_, records.bytes);
  written(result.end);
  last_timestamp_.store(result.store_timestamp, std::memory_order_release);
  return result;
}

Result<void> CommitLog::append_raw(std::int64_t offset, std::string_view bytes) {
  const std::scoped_lock lock(append_mutex_);
  const HeldMark held(append_begin_ms_, clock_.steady_ms());
  if (!writable_) return Errc::read_only;
  if (files_.empty() && end() != offset) {
    if (offset < 0) return Errc::out_of_range;
    const auto file = next_file(offset - offset % files_.file_size());
    if (!file) return file.error();
    flushed_.store(offset, std::memory_order_release);
    begin_.store(offset, std::memory_order_release);
    end_.store(offset, std::memory_order_release);
  }
  if (offset != end()) return Errc::out_of_range;
  while (!bytes.empty()) {
    const std::int64_t at = end();
    if (!active_ || at == active_end()) {
      const auto file = next_file(at);
      if (!file) return file.error();
    }
    const auto allocated = make_room(0);
    if (!allocated) return allocated.error();
    const auto part = bytes.substr(0, static_cast<std::size_t>(active_end() - at));
    active_->write(at - active_base_, part);
    written(at + static_cast<std::int64_t>(part.size()));
    bytes.remove_prefix(part.size());
  }
  return {};
}

/// Sees to it that `size` bytes and a blank record behind them fit into the active file, and that no write can meet a full disk.
Result<void> CommitLog::make_room(std::int64_t size) {
  const std::int64_t at = end_.load(std::memory_order_relaxed);
  if (!active_ || at == active_end()) {
    const auto file = next_file(at);
    if (!file) return file.error();
  }
  const std::int64_t left = active_end() - at;
  bool close_early = false;
  if (!active_allocated_) {  // Taken over from an earlier run, perhaps Java's, whose files are sparse.
    const auto allocated = note_space(active_->allocate(at - active_base_, left), left);
    active_allocated_ = allocated.has_value();
    // With another folder at hand the rest of this file is given up; what closes it must have its place.
    close_early = !allocated && allocated.error() == Errc::no_space && size > 0 && files_.writable_folders() > 1 && left >= kBlankSize &&
                  active_->allocate(at - active_base_, kBlankSize).has_value();
    if (!allocated && !close_early) return allocated;
  }
  if (size == 0 || (size + kBlankSize <= left && !close_early)) return {};

  const auto full = active_;
  const std::int64_t full_base = active_base_;
  const auto file = next_file(active_end());  // First of all: when it fails, this file must not be closed.
  if (!file) return file.error();
  if (left >= kBlankSize) {
    std::string blank;
    append_be<std::int32_t>(blank, static_cast<std::int32_t>(left));
    append_be<std::int32_t>(blank, kBlankMagic);
    full->write(at - full_base, blank);
  }
  end_.store(active_base_, std::memory_order_release);
  return {};
}

Result<void> CommitLog::next_file(std::int64_t base) {
  auto file = preparer_->take(base);
  const auto had_space = note_space(file ? Result<void>() : file.error(), files_.file_size());
  if (!had_space) {
    log::error("no new commit log file at {}: {}", base, had_space.error().message());
    return had_space;
  }
  files_.add(base, *file);
  active_ = std::move(*file);
  active_base_ = base;
  active_allocated_ = true;
  next_requested_ = false;
  populated_ = 0;
  return {};
}

/// Remembers of an attempt to get that many bytes whether the disk had them.
Result<void> CommitLog::note_space(const Result<void>& outcome, std::int64_t size) {
  space_wanted_.store(!outcome && outcome.error() == Errc::no_space ? size : 0, std::memory_order_relaxed);
  return outcome;
}

/// Publishes the new end and asks for what the next appends will need.
void CommitLog::written(std::int64_t end) {
  end_.store(end, std::memory_order_release);
  const std::int64_t position = end - active_base_;
  const std::int64_t step = options_.confirm_when_flushed ? kPopulateStepFlushed : kPopulateStep;
  if (position + step / 2 > populated_ && populated_ < files_.file_size()) {
    const std::int64_t from = std::max(position, populated_);
    preparer_->populate(active_, from, step);
    populated_ = from + step;
  }
  if (!next_requested_ && position > files_.file_size() / 2) {
    preparer_->prepare(active_end());
    next_requested_ = true;
  }
}

Result<std::int64_t> CommitLog::flush() {
  const std::scoped_lock lock(flush_mutex_);
  if (failed()) return Errc::io_error;
  const std::int64_t timestamp = last_timestamp_.load(std::memory_order_acquire);  // Before the end: its record is below it.
  const std::int64_t target = end();
  std::int64_t at = flushed();
  while (at < target) {
    const auto file = files_.find(at);
    if (!file) {  // Retention took it in the meantime.
      if (file.error() != Errc::out_of_range || files_.begin() <= at) return file.error();
      at = files_.begin();
      continue;
    }
    flush_count_.fetch_add(1, std::memory_order_relaxed);
    const auto flushed = file->mapped->flush();
    if (!flushed) {
      // What the page cache holds now may never reach the disk, and a second fsync would not say so.
      failed_ = true;
      writable_ = false;
      log::error("cannot flush {}: {}; the store is read only from now on", file->mapped->path(), flushed.error().message());
      return flushed.error();
    }
    at = std::min(target, file->end());
    flushed_.store(at, std::memory_order_release);
  }
  flushed_timestamp_.store(timestamp, std::memory_order_release);
  return at;
}

std::int64_t CommitLog::append_held_ms() const noexcept {
  const std::int64_t begin = append_begin_ms_.load(std::memory_order_relaxed);
  return begin == 0 ? 0 : std::max<std::int64_t>(clock_.steady_ms() - begin, 0);
}

std::optional<PinnedSlice> CommitLog::view(std::int64_t offset, std::int64_t size) const {
  if (size < 0 || offset < begin() || size > end() - offset) return std::nullopt;
  auto file = files_.find(offset);
  if (!file || offset + size > file->end()) return std::nullopt;
  const std::string_view bytes = file->mapped->view(offset - file->base, size);
  return PinnedSlice{bytes, std::move(file->mapped)};
}

Result<PinnedSlice> CommitLog::read(std::int64_t offset, std::int64_t size) const {
  if (size < 0 || offset < begin() || size > end() - offset) return Errc::out_of_range;
  const auto file = files_.find(offset);
  if (!file) return file.error();
  if (offset + size > file->end()) return Errc::out_of_range;
  auto copy = std::make_shared<std::string>(static_cast<std::size_t>(size), '\0');
  const auto got = file->mapped->read_at(offset - file->base, copy->data(), copy->size());
  if (!got || *got != copy->size()) {
    const ErrorCode error = got ? make_error_code(Errc::io_error) : got.error();  // Short: somebody cut the file.
    log::error("cannot read {} bytes at {} of {}: {}", size, offset - file->base, file->mapped->path(), error.message());
    return error;
  }
  const std::string_view bytes = *copy;
  return PinnedSlice{bytes, std::move(copy)};
}

bool CommitLog::resident(std::int64_t offset, std::int64_t size) const {
  if (size <= 0 || offset < begin() || size > end() - offset) return true;  // Nothing there: no disk is asked.
  const auto file = files_.find(offset);
  if (!file || offset + size > file->end()) return true;
  return residency_.resident(*file->mapped, offset - file->base, size, std::min(file->end(), end()) - file->base);
}

std::optional<PinnedSlice> CommitLog::view_some(std::int64_t offset, std::int64_t size_max, std::int64_t limit) const {
  const std::int64_t until = std::min(limit, end());
  if (offset < begin() || offset >= until) return std::nullopt;
  auto file = files_.find(offset);
  if (!file) return std::nullopt;
  const std::int64_t size = std::min({size_max, until - offset, file->end() - offset});
  const std::string_view bytes = file->mapped->view(offset - file->base, size);
  return PinnedSlice{bytes, std::move(file->mapped)};
}

void CommitLog::set_next_queue_offset(std::string_view topic, std::int32_t queue_id, std::int64_t next) {
  const std::scoped_lock lock(append_mutex_);
  next_offsets_.next(topic, queue_id) = next;
}

void CommitLog::forget_topic(std::string_view topic) {
  const std::scoped_lock lock(append_mutex_);
  next_offsets_.erase(topic);
}

void CommitLog::note_store_timestamp(std::int64_t timestamp) { last_timestamp_.store(timestamp, std::memory_order_release); }

Result<void> CommitLog::remove_first_file() {
  const std::scoped_lock lock(flush_mutex_);
  const auto bases = files_.bases();
  if (bases.size() < 2) return Errc::not_found;
  begin_.store(bases[1], std::memory_order_release);  // First, so that nobody looks for what is going away.
  const auto removed = files_.remove_first();
  if (!removed) begin_.store(bases[0], std::memory_order_release);
  return removed;
}

Result<void> CommitLog::sync_folders() {
  for (const std::string& folder : files_.folders()) {
    const auto synced = system_.sync_folder(folder);
    if (!synced) return synced;
  }
  return {};
}

}  // namespace skylark::commitlog
