// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/queue_table.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <mutex>

#include "base/error.h"
#include "base/log.h"
#include "consumequeue/batch_consume_queue.h"

namespace skylark::consumequeue {
namespace {

using Kind = ConsumeQueue::Kind;

// Up to here each queue is flushed by itself; one sync of the file system also writes what others left dirty on it.
constexpr std::size_t kFlushOneByOneMax = 64;
// What an append touches of so many queues, half a kilobyte of each, stays in a processor's cache.
constexpr std::size_t kCachedQueues = 256;

// Of the mappings a process may have commit log, stacks and allocator need some, and readers may add some between two calls of
// `limit_mappings`.
constexpr std::int64_t kMappingsLeft = 8192;
constexpr std::int64_t kMappingsDefault = 65'530;  // vm.max_map_count of a kernel that nobody has told otherwise.

std::int64_t mapped_files_max() {
  std::int64_t allowed = 0;
  if (!(std::ifstream("/proc/sys/vm/max_map_count") >> allowed) || allowed <= 0) allowed = kMappingsDefault;
  return std::max(allowed - kMappingsLeft, allowed / 2);
}

}  // namespace

QueueTable::QueueTable(FileSystem& system, std::string folder, std::int64_t file_size, BatchQueues batch)
    : system_(system),
      folder_(std::move(folder)),
      file_size_((file_size + kUnitSize - 1) / kUnitSize * kUnitSize),
      batch_(std::move(batch)),
      mapped_max_(mapped_files_max()) {
  if (batch_.folder.empty()) batch_.folder = folder_.substr(0, folder_.rfind('/') + 1) + "batchconsumequeue";
  batch_.file_size = (batch_.file_size + kBatchUnitSize - 1) / kBatchUnitSize * kBatchUnitSize;
}

void QueueTable::extend(std::string folder, std::int64_t file_size, bool write) {
  if (!write && !system_.exists(folder)) return;  // None were ever written: no queue carries a part for them.
  extension_folder_ = std::move(folder);
  extension_file_size_ = file_size;
  writes_extensions_ = write;
}

/// Adds the batch queues, and makes some of the simple queues of their topics: a turn that a crash cut short is done again.
Result<void> QueueTable::merge(Topics& simple, Topics batch) {
  for (auto& [topic, queues] : simple) {
    const auto listed = batch_.listed ? batch_.listed(topic) : std::nullopt;
    if (listed && !*listed) {  // A topic of that name was deleted, and the new one is another.
      if (const auto old = batch.find(topic); old != batch.end()) destroy(topic, old->second);
      batch.erase(topic);
      continue;
    }
    if (!listed.value_or(batch.contains(topic))) continue;
    Queues& turned = batch[topic];
    for (const auto& [id, queue] : queues) {
      QueuePtr& place = turned[id];
      for (const QueuePtr& used : {queue, place}) {
        const auto recovered = used ? used->recover(true) : Result<void>();
        if (!recovered) return recovered;
      }
      if (place && place->max_offset() >= queue->max_offset()) continue;
      auto made = to_batch(topic, id, *queue);
      if (!made) return made.error();
      place = std::move(*made);
    }
    destroy(topic, queues);
  }
  for (auto& [topic, queues] : batch) simple[topic] = std::move(queues);
  return {};
}

/// The units of a simple queue in a new batch queue, durable on return. When the messages were stored is not known: a search by time passes
/// over them.
Result<QueueTable::QueuePtr> QueueTable::to_batch(const std::string& topic, std::int32_t queue_id, const ConsumeQueue& simple) const {
  log::warn("topic {} has turned out to have batch queues: queue {} becomes one", topic, queue_id);
  const QueuePtr batch = make(Kind::batch, topic, queue_id);
  const auto emptied = batch->destroy();
  if (!emptied) return emptied.error();
  std::array<QueueEntry, 64> units;
  for (std::int64_t at = simple.min_offset(); at < simple.max_offset();) {
    const std::size_t count = simple.read(at, units);
    if (count == 0) return Errc::io_error;
    for (std::size_t i = 0; i < count; ++i) {
      if (const auto extension = simple.extension(units[i].tags_code)) units[i].tags_code = extension->tags_code;
      const auto added = units[i].blank() ? Result<void>() : batch->append(units[i], units[i].queue_offset);
      if (!added) return added.error();
    }
    at = units[count - 1].next_queue_offset();
  }
  const auto flushed = batch->flush();
  if (!flushed) return flushed.error();
  return batch;
}

QueueTable::QueuePtr QueueTable::make(Kind kind, std::string_view topic, std::int32_t queue_id) const {
  if (kind == Kind::batch) {
    auto queue = std::make_shared<BatchConsumeQueue>(system_, fmt::format("{}/{}/{}", batch_.folder, topic, queue_id), batch_.file_size);
    queue->share(mapped_files_);
    return queue;
  }
  auto queue = std::make_shared<SimpleConsumeQueue>(system_, fmt::format("{}/{}/{}", folder_, topic, queue_id), file_size_);
  queue->share(mapped_files_);
  if (!extension_folder_.empty()) {
    const std::string folder = fmt::format("{}/{}/{}", extension_folder_, topic, queue_id);
    auto extensions = std::make_unique<ConsumeQueueExt>(system_, folder, extension_file_size_);
    extensions->share(mapped_files_);
    queue->extend(std::move(extensions), writes_extensions_);
  }
  return queue;
}

QueueTable::QueuePtr QueueTable::find(std::string_view topic, std::int32_t queue_id) const {
  const std::shared_lock lock(mutex_);
  const QueuePtr* const queue = queues_.find(topic, queue_id);
  return queue == nullptr ? nullptr : *queue;
}

QueueTable::QueuePtr QueueTable::find_or_make(std::string_view topic, std::int32_t queue_id) {
  const auto found = find_or_make(topic, queue_id, false);
  return found ? *found : nullptr;
}

Result<QueueTable::QueuePtr> QueueTable::find_or_make(std::string_view topic, std::int32_t queue_id, bool inner_batch) {
  QueuePtr queue = find(topic, queue_id);
  if (queue && (!inner_batch || queue->kind() == Kind::batch)) return queue;
  const auto listed = batch_.listed ? batch_.listed(topic) : std::nullopt;
  const std::optional<Kind> others = kind_of(topic);
  const bool batch = listed.value_or(inner_batch || others == Kind::batch);
  if (inner_batch && !batch) return QueuePtr();
  if (batch && others == Kind::simple) {
    const auto turned = turn_to_batch(std::string(topic));
    if (!turned) return turned.error();
  }
  const std::unique_lock lock(mutex_);
  if (const QueuePtr* const made = queues_.find(topic, queue_id)) return *made;  // Meanwhile, by another.
  queue = make(batch ? Kind::batch : Kind::simple, topic, queue_id);
  place(topic, queue_id, queue);
  return queue;
}

/// Called under the mutex, as `queues_of`.
void QueueTable::place(std::string_view topic, std::int32_t queue_id, QueuePtr queue) {
  QueuePtr& place = queues_.at(topic, queue_id);
  if (!place) ids_[std::string(topic)].push_back(queue_id);
  place = std::move(queue);
}

QueueTable::Queues QueueTable::queues_of(std::string_view topic) const {
  Queues queues;
  const auto ids = ids_.find(topic);
  if (ids == ids_.end()) return queues;
  for (const std::int32_t id : ids->second) queues.emplace(id, *queues_.find(topic, id));
  return queues;
}

/// Of the queues of that topic, which are all of one kind; empty for a topic without queues.
std::optional<Kind> QueueTable::kind_of(std::string_view topic) const {
  const std::shared_lock lock(mutex_);
  const auto ids = ids_.find(topic);
  if (ids == ids_.end() || ids->second.empty()) return std::nullopt;
  return (*queues_.find(topic, ids->second.front()))->kind();
}

/// Puts batch queues in the place of the simple ones of that topic. Errors: those of the disk; the simple ones stay.
Result<void> QueueTable::turn_to_batch(const std::string& topic) {
  Queues simple;
  {
    const std::shared_lock lock(mutex_);
    simple = queues_of(topic);
  }
  Queues turned;
  for (const auto& [id, queue] : simple) {
    auto made = to_batch(topic, id, *queue);
    if (!made) return made.error();
    turned[id] = std::move(*made);
  }
  {
    const std::unique_lock lock(mutex_);
    for (auto& [id, queue] : turned) place(topic, id, std::move(queue));
  }
  destroy(topic, simple);
  return {};
}

void QueueTable::look_ahead(std::span<const MessageView> records) const {
  std::array<std::uint32_t, kLookAheadMax> hashes{};
  std::array<const ConsumeQueue*, kLookAheadMax> queues{};
  const std::shared_lock lock(mutex_);
  if (queues_.size() <= kCachedQueues) return;
  // Step by step for all: what a step reads, the step before has asked for.
  for (std::size_t i = 0; i < records.size(); ++i) hashes[i] = queues_.ask_for(records[i].topic, records[i].queue_id);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const QueuePtr* const queue = queues_.likely(hashes[i], records[i].queue_id);
    if (queue == nullptr) continue;
    queues[i] = queue->get();
    queues[i]->ask_for_object();
  }
  for (const ConsumeQueue* const queue : queues) {
    if (queue != nullptr) queue->ask_for_end();
  }
}

std::vector<QueueTable::Named> QueueTable::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<Named> all;
  all.reserve(queues_.size());
  queues_.for_each([&](std::string_view topic, std::int32_t id, const QueuePtr& queue) { all.push_back({std::string(topic), id, queue}); });
  return all;
}

QueueTable::QueuePtrs QueueTable::queues() const {
  const std::shared_lock lock(mutex_);
  QueuePtrs all;
  all.reserve(queues_.size());
  queues_.for_each([&](std::string_view, std::int32_t, const QueuePtr& queue) { all.push_back(queue); });
  return all;
}

std::vector<std::string> QueueTable::topics() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(ids_.size());
  for (const auto& [topic, ids] : ids_) names.push_back(topic);
  return names;
}

bool QueueTable::remove_topic(std::string_view topic) {
  Queues queues;
  {
    const std::unique_lock lock(mutex_);
    const auto found = ids_.find(topic);
    if (found == ids_.end()) return false;
    queues = queues_of(topic);
    for (const std::int32_t id : found->second) queues_.erase(topic, id);
    queues_.forget(topic);
    ids_.erase(found);
  }
  destroy(std::string(topic), queues);
  return true;
}

void QueueTable::destroy(const std::string& topic, const Queues& queues) const {
  for (const auto& [id, queue] : queues) {
    const auto destroyed = queue->destroy();
    if (!destroyed) log::error("cannot remove queue {} of {}: {}", id, topic, destroyed.error().message());
  }
  const bool batch = !queues.empty() && queues.begin()->second->kind() == Kind::batch;
  (void)system_.remove_folder((batch ? batch_.folder : folder_) + "/" + topic, false);  // Stays when something else lies in it.
  if (!batch && !extension_folder_.empty()) (void)system_.remove_folder(extension_folder_ + "/" + topic, false);
}

bool QueueTable::remove_queue(std::string_view topic, std::int32_t queue_id) {
  QueuePtr queue;
  bool last = false;
  {
    const std::unique_lock lock(mutex_);
    const QueuePtr* const found = queues_.find(topic, queue_id);
    if (found == nullptr) return false;
    queue = *found;
    const auto ids = ids_.find(topic);
    std::erase(ids->second, queue_id);
    last = ids->second.empty();
    queues_.erase(topic, queue_id);
    if (last) {
      queues_.forget(topic);
      ids_.erase(ids);
    }
  }
  const auto destroyed = queue->destroy();
  if (!destroyed) log::error("cannot remove queue {} of {}: {}", queue_id, topic, destroyed.error().message());
  if (last) (void)system_.remove_folder(fmt::format("{}/{}", folder_, topic), false);
  return true;
}

void QueueTable::limit_mappings(std::int64_t mapped_max) {
  if (mapped_count() <= mapped_max) return;
  // Some room, and not all of it: queues that are written in turn would otherwise all be mapped anew in each turn.
  const std::int64_t enough = mapped_max - mapped_max / 8;
  // Twice at most: the first round spares queues that were used since the round before it.
  for (int round = 0; round < 2; ++round) {
    const std::shared_lock lock(mutex_);
    queues_.for_each([&](std::string_view, std::int32_t, const QueuePtr& queue) {
      if (mapped_count() > enough) queue->rest();
    });
    if (mapped_count() <= enough) return;
  }
}

Result<void> QueueTable::flush() {
  QueuePtrs dirty;
  {
    const std::shared_lock lock(mutex_);
    queues_.for_each([&](std::string_view, std::int32_t, const QueuePtr& queue) {
      if (queue->dirty()) dirty.push_back(queue);
    });
  }
  if (dirty.size() > kFlushOneByOneMax) {
    for (const QueuePtr& queue : dirty) queue->mark_clean();
    return system_.sync_all(folder_);
  }
  for (const QueuePtr& queue : dirty) {
    const auto flushed = queue->flush();
    if (!flushed) return flushed;
  }
  return {};
}

}  // namespace skylark::consumequeue
