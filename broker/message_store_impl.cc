// SPDX-License-Identifier: Apache-2.0
#include "broker/message_store_impl.h"

#include <algorithm>
#include <future>

#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "broker/store_left.h"
#include "commitlog/inner_queues.h"
#include "consumequeue/recovery.h"

namespace skylark::broker {
namespace {

constexpr std::size_t kTopicLengthMax = 127;  // Validators.TOPIC_MAX_LENGTH of the broker.
constexpr std::size_t kRetryTopicLengthMax = 255;
constexpr std::size_t kPropertiesLengthMax = 32767;  // A signed short holds the length.
constexpr std::string_view kRetryPrefix = "%RETRY%";
constexpr std::string_view kHalfTopic = "RMQ_SYS_TRANS_HALF_TOPIC";

/// Bytes behind the log's end that are taken to be in memory.
std::int64_t hot_bytes(std::int32_t memory_ratio) {
  const std::int64_t memory = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  return memory / 100 * memory_ratio;
}

PutStatus to_status(const ErrorCode& error) {
  if (error == Errc::too_large || error == Errc::invalid_argument) return PutStatus::message_illegal;
  if (error == Errc::read_only || error == Errc::no_space) return PutStatus::service_not_available;
  if (error == Errc::busy) return PutStatus::append_timeout;
  if (error == Errc::timed_out || error == Errc::closed) return PutStatus::create_file_failed;
  return PutStatus::unknown_error;
}

/// Leaves the offsets in inner queues to the append, whatever the client says about them. As Java, only for a message of its own; unlike
/// Java, a half message is not listed before it is committed.
void prepare_inner_queues(RecordFields& fields, std::size_t message_count, std::string& properties, commitlog::EncodedRecords& records) {
  if (find_property(fields.properties, commitlog::kInnerQueueOffsets)) {
    properties = remove_property(fields.properties, commitlog::kInnerQueueOffsets);
    fields.properties = properties;
  }
  const std::int32_t type = fields.sys_flag & sys_flag::kTransactionMask;
  const bool listed = type == sys_flag::kTransactionNone || type == sys_flag::kTransactionCommit;
  const bool batch = message_count != 1 || (fields.sys_flag & sys_flag::kInnerBatch) != 0;
  if (!batch && listed && fields.topic != kHalfTopic) records.inner_queues = commitlog::inner_queue_names(fields.topic, fields.properties);
}

}  // namespace

std::string_view to_string(GetStatus status) noexcept {
  switch (status) {
    case GetStatus::found: return "FOUND";
    case GetStatus::no_matched_message: return "NO_MATCHED_MESSAGE";
    case GetStatus::message_was_removing: return "MESSAGE_WAS_REMOVING";
    case GetStatus::offset_found_null: return "OFFSET_FOUND_NULL";
    case GetStatus::offset_overflow_badly: return "OFFSET_OVERFLOW_BADLY";
    case GetStatus::offset_overflow_one: return "OFFSET_OVERFLOW_ONE";
    case GetStatus::offset_too_small: return "OFFSET_TOO_SMALL";
    case GetStatus::no_matched_logic_queue: return "NO_MATCHED_LOGIC_QUEUE";
    case GetStatus::no_message_in_queue: return "NO_MESSAGE_IN_QUEUE";
    case GetStatus::offset_reset: return "OFFSET_RESET";
    case GetStatus::read_failed: return "READ_FAILED";
  }
  return "UNKNOWN";
}

commitlog::FileFolders commit_log_folders(const MessageStoreOptions& options) {
  return commitlog::FileFolders::parse(options.commit_log_path.empty() ? options.root + "/commitlog" : options.commit_log_path,
                                       options.read_only_commit_log_paths);
}

std::unique_ptr<MessageStore> make_message_store(MessageStoreOptions options, FileSystem& system, Clock& clock) {
  return std::make_unique<MessageStoreImpl>(std::move(options), system, clock);
}

MessageStoreImpl::MessageStoreImpl(MessageStoreOptions options, FileSystem& system, Clock& clock)
    : options_(std::move(options)),
      system_(system),
      clock_(clock),
      hot_bytes_(hot_bytes(options_.memory_ratio)),
      log_({.folders = commit_log_folders(options_),
            .file_size = options_.commit_log_file_size,
            .confirm_when_flushed = options_.sync_flush,
            .append_wait_ms = options_.append_wait_ms},
           system, clock),
      queues_(system, options_.root + "/consumequeue", options_.consume_queue_file_size,
              {.folder = options_.root + "/batchconsumequeue",
               .file_size = options_.batch_queue_file_size,
               .listed = options_.is_batch_topic,
               .known_late = options_.replica}),
      checkpoint_(system, options_.root + "/checkpoint"),
      retention_({.reserved_hours = options_.file_reserved_hours,
                  .delete_when = options_.delete_when,
                  .used_ratio_max = options_.disk_used_ratio_max,
                  .clean_ratio = options_.disk_clean_ratio,
                  .clean_at_once = options_.disk_clean_forcibly,
                  .files_a_round = options_.delete_batch_max,
                  .full_ratio = options_.disk_full_ratio,
                  .queue_folder = options_.root + "/consumequeue"},
                 system, clock) {
  queues_.extend(options_.root + "/consumequeue_ext", options_.consume_queue_ext_file_size, options_.consume_queue_ext);
  if (options_.index_enabled) {
    index_ = std::make_unique<consumequeue::KeyIndex>(system, clock, options_.root + "/index",
                                                      consumequeue::IndexGeometry{options_.index_slots, options_.index_entries});
  }
}

MessageStoreImpl::~MessageStoreImpl() { stop(); }

Result<void> MessageStoreImpl::start() {
  const auto opened = open();
  if (!opened) {
    log_.close();
    lock_.reset();
    return opened;
  }
  waiters_ = std::make_unique<PutWaiters>(clock_);
  waiters_->flushed(log_.flushed());
  flusher_ = std::make_unique<commitlog::FlushService>(
      log_, options_.flush_interval_ms,
      [this](std::int64_t end) {
        if (options_.sync_flush) wake_dispatcher(false);
        waiters_->flushed(end);
      },
      [this] { waiters_->flush_failed(); });
  flusher_->start();
  if (log_.flushed() < log_.end()) flusher_->request();
  upkeep_thread_ = std::thread([this] { upkeep(); });
  started_ = true;
  look_at_disks();
  accepting_ = true;
  return {};
}

Result<void> MessageStoreImpl::open() {
  const auto levels = consumequeue::parse_delay_levels(options_.delay_levels);
  if (!levels) return levels.error();
  const auto made = system_.create_folders(options_.root);
  if (!made) return made;
  auto locked = system_.lock(options_.root + "/lock", "lock");
  if (!locked) return locked.error();
  lock_ = std::move(*locked);
  if (options_.on_locked) options_.on_locked();

  const auto log_loaded = log_.load();
  if (!log_loaded) return log_loaded;
  const auto checkpoint_opened = checkpoint_.open();
  if (!checkpoint_opened) return checkpoint_opened;
  indexer_ = std::make_unique<consumequeue::Indexer>(
      queues_, index_.get(), *levels, commitlog::InnerQueueOptions{.number = options_.lmq, .enter = options_.multi_dispatch});
  if (options_.consume_queue_ext) indexer_->set_bit_map_source(options_.bit_map_of);
  mender_ = std::make_unique<consumequeue::QueueMender>(log_, queues_, *indexer_);
  const auto recovered = recover();
  if (!recovered) return recovered.error();

  reader_.set_appended_from(recovered->end);

  // From here on only a clean stop removes it.
  const auto marked = mark_running(system_, options_.root);
  if (!marked) return marked;
  const auto durable = system_.sync_folder(options_.root);
  if (!durable) return durable;
  dispatcher_ = std::make_unique<consumequeue::Dispatcher>(
      log_, *indexer_, [this](const MessageView& record, std::int64_t tags_code) { message_entered(record, tags_code); });
  dispatcher_->start(recovered->dispatch_from, recovered->last_record, recovered->store_timestamp);
  return {};
}

/// Brings log, queues and index to one state, from what the store says of itself as far as it can be believed.
Result<consumequeue::RecoveryResult> MessageStoreImpl::recover() {
  LeftStore found = look_at_left_store(system_, options_.root, log_.files(), checkpoint_);
  consumequeue::StoreLeft& left = found.left;
  left.ends = found.ends ? &*found.ends : nullptr;
  auto queues = queues_.load(left.ends, log_.begin());
  if (!queues) return queues.error();
  left.found = std::move(*queues);
  if (index_) {
    const auto index_loaded =
        index_->load(left.crashed && (left.ends == nullptr || !left.ends->with_index), checkpoint_.values().index_timestamp);
    if (!index_loaded) return index_loaded.error();
  }
  const bool crashed = left.crashed;
  const auto recovered = consumequeue::recover_store(
      {log_, queues_, index_.get(), *indexer_, checkpoint_, system_, options_.root + "/queuerepair"}, std::move(left));
  if (!recovered) return recovered;
  lock_modified_ms_ = found.lock_modified_ms;
  if (recovered->mins_found) mins_found_for_ = log_.begin();
  if (found.ends) saved_end_ = found.ends->durable_offset;
  indexes_flushed_to_ = recovered->dispatch_from;
  log::info("store {}: {} stop, {} ends, read {} records from {}, the log ends at {}, {} damaged places", options_.root,
            crashed ? "no clean" : "clean", found.ends ? "known" : "unknown", recovered->record_count, recovered->begin, recovered->end,
            log_.damage().count());
  return recovered;
}

void MessageStoreImpl::stop() {
  if (!std::exchange(started_, false)) return;
  accepting_ = false;
  {
    const std::scoped_lock lock(upkeep_mutex_);
    upkeep_stopping_ = true;
    upkeep_wake_.notify_one();
  }
  upkeep_thread_.join();
  log_.close();
  flusher_->stop();
  waiters_->stop();
  dispatcher_->stop();
  const std::int64_t behind = dispatch_behind_bytes();
  const bool whole = !log_.failed() && (behind == 0 || options_.replica);
  flush_indexes(whole);
  const auto written = checkpoint_.flush();

  if (whole && written && !index_flush_failed_) {
    const auto removed = system_.remove(options_.root + "/abort");
    if (!removed) log::error("cannot remove {}/abort: {}", options_.root, removed.error().message());
    (void)system_.sync_folder(options_.root);
  } else {
    log::error("store {} was not stopped cleanly: {} bytes not dispatched, log flush {}", options_.root, behind,
               log_.failed() ? "failed" : "ok");
  }
  lock_.reset();
}

/// An inner batch stands alone in its append, has a number of messages, and a topic of type BatchCQ; nothing else names such a number.
/// Source: HookUtils.checkInnerBatch.
bool MessageStoreImpl::contradicts_batch(const RecordFields& fields, std::size_t records) const {
  if ((fields.sys_flag & sys_flag::kInnerBatch) == 0) {
    // Mostly the name is nowhere: to see that needs no walk from property to property, and its end stands in fewer other places.
    constexpr std::string_view kEndOfName("M\x01", 2);
    static_assert(property::kInnerNumber.back() == kEndOfName.front());
    if (fields.properties.find(kEndOfName) == std::string_view::npos) return false;
    return find_property(fields.properties, property::kInnerNumber).has_value();
  }
  if (records != 1 || !message_count(fields.sys_flag, fields.properties)) return true;
  if (fields.properties.size() + commitlog::EncodedRecords::kInnerBaseSizeMax > kPropertiesLengthMax) return true;
  return !options_.is_batch_topic || !options_.is_batch_topic(fields.topic).value_or(false);
}

/// Why the store takes nothing now.
PutStatus MessageStoreImpl::refusal() const {
  if (!accepting_ || options_.replica || disk_full_ || log_.failed() || dispatcher_->stalled()) return PutStatus::service_not_available;
  if (log_.append_held_ms() > options_.page_cache_busy_ms) return PutStatus::page_cache_busy;
  return PutStatus::ok;
}

/// Whether it never takes these.
bool MessageStoreImpl::is_illegal(std::span<const PutMessage> messages) const {
  for (const PutMessage& message : messages) {
    const RecordFields& fields = message.fields;
    const std::size_t topic_max = fields.topic.starts_with(kRetryPrefix) ? kRetryTopicLengthMax : kTopicLengthMax;
    if (fields.queue_id < 0) return true;
    if (fields.topic.empty() || fields.topic.size() > topic_max || fields.properties.size() > kPropertiesLengthMax) return true;
    if (contradicts_batch(fields, messages.size())) return true;
    if (static_cast<std::int64_t>(fields.body.size()) > options_.message_size_max) return true;
  }
  return messages.empty();
}

void MessageStoreImpl::stage(std::span<const PutMessage> messages, StagedPuts& puts) {
  StagedPuts::Put& put = puts.add();
  if (is_illegal(messages)) {
    put.result.status = PutStatus::message_illegal;
    return;
  }
  put.wait_store_ok = messages.front().wait_store_ok;
  put.store_host = messages.front().fields.store_host;
  commitlog::EncodedRecords& records = puts.records().back();
  std::string properties;
  for (const PutMessage& message : messages) {
    if (!options_.lmq) {
      records.add(message.fields);
      continue;
    }
    RecordFields fields = message.fields;
    prepare_inner_queues(fields, messages.size(), properties, records);
    records.add(fields);
  }
}

void MessageStoreImpl::append_staged(StagedPuts& puts) {
  const PutStatus refused = refusal();
  if (refused == PutStatus::ok) log_.append_each(puts.records(), puts.appended());
  for (std::size_t i = 0; i < puts.size(); ++i) {
    StagedPuts::Put& put = puts.put(i);
    if (refused != PutStatus::ok)
      put.result.status = refused;
    else if (put.result.status == PutStatus::ok)
      finish_put(put, puts.records()[i], puts.appended()[i]);
  }
}

void MessageStoreImpl::finish_put(StagedPuts::Put& put, const commitlog::EncodedRecords& records,
                                  const Result<commitlog::AppendResult>& appended) {
  PutResult& result = put.result;
  if (!appended) {
    result.status = to_status(appended.error());
    // The next ones need not try: what wants space makes a file, which is slow on a full disk.
    if (appended.error() == Errc::no_space) disk_full_ = true;
    return;
  }
  result.physical_offset = appended->begin;
  result.record_size = appended->end - appended->begin;
  result.queue_offset = appended->queue_offset;
  result.store_timestamp = appended->store_timestamp;
  const std::size_t count = records.begins.size();
  for (std::size_t i = 0; i < count && count > 1; ++i) {
    if (i > 0) result.message_ids += ',';
    result.message_ids += make_offset_message_id(put.store_host, appended->begin + static_cast<std::int64_t>(records.begins[i]));
  }
  result.for_disk = put.wait_store_ok && options_.sync_flush;
  result.for_replicas = put.wait_store_ok && replica_acks_needed_ > 0;
}

PutResult MessageStore::append(std::span<const PutMessage> messages) {
  thread_local StagedPuts puts;
  puts.clear();
  stage(messages, puts);
  append_staged(puts);
  return std::move(puts.result(0));
}

void MessageStoreImpl::publish(bool may_enter) {
  const std::int64_t end = log_.end();
  if (published_end_.load(std::memory_order_acquire) == end) return;
  // An older end may overwrite a newer one here: then somebody publishes once more than needed.
  if (published_end_.exchange(end, std::memory_order_acq_rel) != end) log_advanced(may_enter);
}

void MessageStoreImpl::when_kept(PutResult appended, PutCallback callback) {
  const std::int64_t now_ms = clock_.steady_ms();
  waiters_->add({.end = appended.physical_offset + appended.record_size,
                 .flush_deadline_ms = appended.for_disk ? now_ms + options_.sync_flush_timeout_ms : -1,
                 .slave_deadline_ms = appended.for_replicas ? now_ms + options_.slave_timeout_ms : -1,
                 .result = std::move(appended),
                 .callback = std::move(callback)});
}

PutResult MessageStoreImpl::put_sync(const PutMessage& message) {
  std::promise<PutResult> promise;
  put(message, [&promise](const PutResult& result) { promise.set_value(result); });
  return promise.get_future().get();
}

void MessageStoreImpl::wake_dispatcher(bool may_enter) {
  using enum consumequeue::Dispatcher::Haste;
  const bool awaited = !arrivals_awaited_ || arrivals_awaited_();
  dispatcher_->wake(!awaited ? none : may_enter ? by_caller : at_once);
}

void MessageStoreImpl::log_advanced(bool may_enter) {
  if (options_.sync_flush)
    flusher_->request();
  else
    wake_dispatcher(may_enter);
  if (append_listener_) append_listener_();
}

void MessageStoreImpl::message_entered(const MessageView& record, std::int64_t tags_code) {
  if (options_.replica) log_.note_store_timestamp(record.store_timestamp);
  if (!arrival_listener_) return;
  ArrivedMessage arrived{.topic = record.topic,
                         .queue_id = record.queue_id,
                         .next_queue_offset = record.queue_offset + message_count(record.sys_flag, record.properties).value_or(1),
                         .unit = {.tags_code = tags_code, .store_timestamp = record.store_timestamp},
                         .properties = record.properties};
  arrival_listener_(arrived);
  (void)commitlog::for_each_inner_queue(record, indexer_->inner(),
                                        [&](std::string_view name, std::int32_t queue_id, std::int64_t queue_offset) -> Result<void> {
                                          arrived.topic = name;
                                          arrived.queue_id = queue_id;
                                          arrived.next_queue_offset = queue_offset + 1;
                                          arrival_listener_(arrived);
                                          return {};
                                        });
}

std::int64_t MessageStoreImpl::dispatch_behind_bytes() {
  return dispatcher_ ? std::max<std::int64_t>(log_.confirmed() - dispatcher_->position(), 0) : 0;
}

bool MessageStoreImpl::writable() { return accepting_ && !options_.replica && !disk_full_ && !log_.failed() && !dispatcher_->stalled(); }

std::optional<PinnedSlice> MessageStoreImpl::log_bytes(std::int64_t physical_offset, std::size_t size_max) {
  return log_.view_some(physical_offset, static_cast<std::int64_t>(size_max), log_.end());
}

Result<void> MessageStoreImpl::append_replicated(std::int64_t physical_offset, std::string_view bytes) {
  if (!accepting_) return Errc::closed;
  const auto appended = log_.append_raw(physical_offset, bytes);
  if (appended) log_advanced(false);
  return appended;
}

void MessageStoreImpl::set_replica_acks_needed(std::int32_t count) { replica_acks_needed_ = count; }

void MessageStoreImpl::update_replica_acks(std::span<const std::int64_t> acknowledged) {
  const auto needed = static_cast<std::size_t>(std::max(replica_acks_needed_.load(), 0));
  if (needed == 0 || acknowledged.size() < needed || !waiters_) return;
  std::vector<std::int64_t> ends(acknowledged.begin(), acknowledged.end());
  std::nth_element(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(needed - 1), ends.end(), std::greater<>());
  waiters_->replicated(ends[needed - 1]);
}

}  // namespace skylark::broker
