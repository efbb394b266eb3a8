// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <ostream>
#include <set>

#include <fmt/core.h>

#include "base/error.h"
#include "commitlog/checkpoint.h"
#include "consumequeue/batch_consume_queue.h"
#include "consumequeue/dispatcher.h"
#include "protocol/json.h"
#include "tools/store/commands.h"
#include "tools/store/log_walk.h"

namespace skylark::tools {
namespace {

using consumequeue::QueueTable;

/// Queues of one kind, by their names alone: the files may be damaged.
struct Old {
  std::set<std::string> topics;
  std::set<std::pair<std::string, std::string>> queues;
  std::int64_t file_size = 0;  ///< 0: no queue has a file.
};

Old look_at_old(const std::string& root, std::int64_t unit_size, FileSystem& disk) {
  Old old;
  const auto topics = disk.list(root);
  if (!topics) return old;
  for (const std::string& topic : *topics) {
    const auto ids = disk.list(root + "/" + topic);
    if (!ids) continue;
    old.topics.insert(topic);
    for (const std::string& id : *ids) {
      const std::string folder = root + "/" + topic + "/" + id;
      const auto files = disk.list(folder);
      if (!files) continue;
      old.queues.emplace(topic, id);
      if (old.file_size > 0 || files->empty()) continue;
      const auto size = disk.file_size(folder + "/" + files->front());
      if (size && *size > 0 && *size % unit_size == 0) old.file_size = *size;
    }
  }
  return old;
}

/// Moves queues back of which the log holds no record: they know the next offset. Their number.
Result<std::int64_t> keep_old(const Old& old, const std::string& root, const std::string& suffix,
                              const std::function<bool(const std::string& topic)>& wanted, FileSystem& disk) {
  std::int64_t kept = 0;
  for (const auto& [topic, id] : old.queues) {
    const std::string to = root + "/" + topic + "/" + id;
    if (disk.exists(to) || !wanted(topic)) continue;
    const auto made = disk.create_folders(root + "/" + topic);
    if (!made) return made.error();
    const auto moved = disk.rename(root + suffix + "/" + topic + "/" + id, to);
    if (!moved) return moved.error();
    ++kept;
  }
  return kept;
}

Result<void> move(FileSystem& disk, const std::string& from, const std::string& to) {
  if (!disk.exists(from)) return {};
  return disk.rename(from, to);
}

Result<void> start_over(FileSystem& disk, const std::string& folder) {
  const auto removed = disk.remove_folder(folder, true);
  if (!removed && removed.error() != Errc::not_found) return removed;
  return disk.create_folders(folder);
}

}  // namespace

Result<int> rebuild(const StoreOptions& options, FileSystem& disk, Clock& clock, Format format, std::ostream& out) {
  const auto levels = consumequeue::parse_delay_levels(options.delay_levels);
  if (!levels) return levels.error();
  Findings findings;
  const auto files = load_log(options, disk, findings);
  if (!files) return files.error();
  if (!*files) return Errc::malformed;
  const Old old = look_at_old(options.queues_path(), consumequeue::kUnitSize, disk);
  const Old old_batch = look_at_old(options.batch_queues_path(), consumequeue::kBatchUnitSize, disk);
  const auto configured = configured_topics(options, disk);
  const std::string new_queues = options.queues_path() + ".new";
  const std::string new_batch_queues = options.batch_queues_path() + ".new";
  const std::string new_index = options.index_path() + ".new";
  for (const std::string& folder : {new_queues, new_index}) {
    const auto made = start_over(disk, folder);
    if (!made) return made.error();
  }
  const auto removed_batch = disk.remove_folder(new_batch_queues, true);  // It comes back with the first batch queue.
  if (!removed_batch && removed_batch.error() != Errc::not_found) return removed_batch.error();

  auto batch = batch_queues(options, new_batch_queues, configured);
  if (old_batch.file_size > 0) batch.file_size = old_batch.file_size;
  const auto listed = batch.listed;
  QueueTable queues(disk, new_queues, old.file_size > 0 ? old.file_size : options.queue_file_size, std::move(batch));
  consumequeue::KeyIndex index(disk, clock, new_index, options.geometry);
  consumequeue::Indexer indexer(queues, &index, *levels, options.inner);
  std::int64_t queued = 0;
  std::int64_t deleted = 0;
  const auto walked = walk_log(**files, std::max<std::int64_t>((*files)->begin(), 0), [&](const MessageView& record, bool) -> Result<void> {
    const std::string topic(record.topic);
    if (configured && !configured->contains(topic) && !old.topics.contains(topic) && !old_batch.topics.contains(topic) &&
        !is_system_topic(topic)) {
      ++deleted;  // Its queues went with the topic and must not come back; its keys are still found.
      return index.add(record);
    }
    const auto added = indexer.add(record);
    if (!added) return added.error();
    if (added->queued) ++queued;
    return {};
  });
  if (!walked) return walked.error();

  const std::string suffix = fmt::format(".old-{}", clock.now_ms());
  const auto of_kind = [&](bool batch_kind) {
    return [&listed, batch_kind](const std::string& topic) { return !listed || listed(topic).value_or(batch_kind) == batch_kind; };
  };
  std::int64_t kept_count = 0;
  const auto changed = change_store(options, "rebuild", disk, [&]() -> Result<void> {
    // The mark speaks of the queues that go away.
    commitlog::Checkpoint checkpoint(disk, options.checkpoint_path());
    const auto opened = checkpoint.open();
    if (!opened) return opened;
    checkpoint.set_durable(std::nullopt);
    const auto unmarked = checkpoint.flush();
    if (!unmarked) return unmarked;
    const auto synced = disk.sync_all(options.root);  // Everything new is durable before a name changes.
    if (!synced) return synced;
    for (const auto& [now, next] : {std::pair(options.queues_path(), new_queues), std::pair(options.batch_queues_path(), new_batch_queues),
                                    std::pair(options.index_path(), new_index)}) {
      const auto aside = move(disk, now, now + suffix);
      if (!aside) return aside;
      const auto placed = move(disk, next, now);
      if (!placed) return placed;
    }
    const auto kept = keep_old(old, options.queues_path(), suffix, of_kind(false), disk);
    if (!kept) return kept.error();
    const auto kept_batch = keep_old(old_batch, options.batch_queues_path(), suffix, of_kind(true), disk);
    if (!kept_batch) return kept_batch.error();
    kept_count = *kept + *kept_batch;
    return {};
  });
  if (!changed) return changed.error();

  if (format == Format::json) {
    json::Value answer;
    answer.set("records", walked->record_count);
    answer.set("queued", queued);
    answer.set("ofDeletedTopics", deleted);
    answer.set("queuesKept", kept_count);
    answer.set("damagedPlaces", static_cast<std::int64_t>(walked->damage.size()));
    answer.set("oldSuffix", suffix);
    out << json::write(answer, json::IntegerKeys::quoted) << '\n';
  } else {
    out << fmt::format("{} records read, {} entered into queues, {} of deleted topics left out, {} queues without records kept\n",
                       walked->record_count, queued, deleted, kept_count);
    for (const LogDamage& damage : walked->damage) out << fmt::format("damage at {} up to {}: {}\n", damage.begin, damage.end, damage.what);
    out << "the old ones: consumequeue" << suffix << ", batchconsumequeue" << suffix << ", index" << suffix << '\n';
  }
  return walked->damage.empty() ? kSound : kDamaged;
}

}  // namespace skylark::tools
