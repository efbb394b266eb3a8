// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/queue_table.h"

#include <charconv>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/log.h"

namespace skylark::consumequeue {
namespace {

// Up to here each queue is flushed by itself; one sync of the file system also writes what others left dirty on it.
constexpr std::size_t kFlushOneByOneMax = 64;

std::optional<std::int32_t> parse_queue_id(const std::string& name) {
  std::int32_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size() || id < 0) return std::nullopt;
  return id;
}

}  // namespace

QueueTable::QueueTable(FileSystem& system, std::string folder, std::int64_t file_size)
    : system_(system), folder_(std::move(folder)), file_size_((file_size + kUnitSize - 1) / kUnitSize * kUnitSize) {}

Result<void> QueueTable::load() {
  const auto made = system_.create_folders(folder_);
  if (!made) return made;
  const auto topics = system_.list(folder_);
  if (!topics) return topics.error();
  const std::unique_lock lock(mutex_);
  std::int64_t found_size = file_size_;
  for (const std::string& topic : *topics) {
    const std::string folder = folder_ + "/" + topic;
    if (!system_.is_folder(folder)) continue;
    const auto ids = system_.list(folder);
    if (!ids) return ids.error();
    for (const std::string& name : *ids) {
      const auto id = parse_queue_id(name);
      if (!id || !system_.is_folder(folder + "/" + name)) continue;
      const QueuePtr queue = make(topic, *id);
      const auto loaded = queue->load();
      if (!loaded) return loaded;
      topics_[topic][*id] = queue;
      if (queue->max_offset() > 0) found_size = queue->file_size();
    }
  }
  if (found_size != file_size_) {  // New queues follow, so that all have one size: Java opens no other store.
    log::warn("files in {} have {} bytes, not the configured {}: theirs counts", folder_, found_size, file_size_);
    file_size_ = found_size;
  }
  return {};
}

QueueTable::QueuePtr QueueTable::make(std::string_view topic, std::int32_t queue_id) const {
  auto queue = std::make_shared<SimpleConsumeQueue>(system_, fmt::format("{}/{}/{}", folder_, topic, queue_id), file_size_);
  queue->share(mapped_files_);
  return queue;
}

QueueTable::QueuePtr QueueTable::find(std::string_view topic, std::int32_t queue_id) const {
  const std::shared_lock lock(mutex_);
  const auto queues = topics_.find(topic);
  if (queues == topics_.end()) return nullptr;
  const auto queue = queues->second.find(queue_id);
  return queue == queues->second.end() ? nullptr : queue->second;
}

QueueTable::QueuePtr QueueTable::find_or_make(std::string_view topic, std::int32_t queue_id) {
  QueuePtr queue = find(topic, queue_id);
  if (queue) return queue;
  const std::unique_lock lock(mutex_);
  QueuePtr& place = topics_[std::string(topic)][queue_id];
  if (!place) place = make(topic, queue_id);
  return place;
}

std::vector<QueueTable::Named> QueueTable::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<Named> all;
  for (const auto& [topic, queues] : topics_) {
    for (const auto& [id, queue] : queues) all.push_back({topic, id, queue});
  }
  return all;
}

std::vector<std::string> QueueTable::topics() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(topics_.size());
  for (const auto& [topic, queues] : topics_) names.push_back(topic);
  return names;
}

bool QueueTable::remove_topic(std::string_view topic) {
  Queues queues;
  {
    const std::unique_lock lock(mutex_);
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return false;
    queues = std::move(found->second);
    topics_.erase(found);
  }
  for (const auto& [id, queue] : queues) {
    const auto destroyed = queue->destroy();
    if (!destroyed) log::error("cannot remove queue {} of {}: {}", id, topic, destroyed.error().message());
  }
  (void)system_.remove_folder(fmt::format("{}/{}", folder_, topic), false);  // Stays when something else lies in it.
  return true;
}

void QueueTable::limit_mappings(std::int64_t mapped_max) {
  // Twice at most: the first round spares queues that were used since the round before it.
  for (int round = 0; round < 2 && mapped_count() > mapped_max; ++round) {
    const std::shared_lock lock(mutex_);
    for (const auto& [topic, queues] : topics_) {
      for (const auto& [id, queue] : queues) queue->rest();
    }
  }
}

Result<void> QueueTable::flush() {
  std::vector<QueuePtr> dirty;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [topic, queues] : topics_) {
      for (const auto& [id, queue] : queues) {
        if (queue->dirty()) dirty.push_back(queue);
      }
    }
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
