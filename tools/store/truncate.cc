// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <ostream>

#include <fmt/core.h>

#include "base/error.h"
#include "commitlog/checkpoint.h"
#include "commitlog/commit_log.h"
#include "commitlog/log_scanner.h"
#include "consumequeue/dispatcher.h"
#include "protocol/json.h"
#include "tools/store/commands.h"
#include "tools/store/log_walk.h"

namespace skylark::tools {
namespace {

struct Plan {
  std::int64_t at = 0;
  std::int64_t last_record = 0;      ///< Before the cut.
  std::int64_t store_timestamp = 0;  ///< Of that record.
  std::int64_t end = 0;              ///< Of what there is now.
  std::int64_t records = 0;          ///< That go.
  std::map<std::string, std::int64_t> topics;
};

Result<Plan> make_plan(const commitlog::MappedFileQueue& files, std::int64_t at) {
  Plan plan;
  const std::int64_t begin = std::max<std::int64_t>(files.begin(), 0);
  bool boundary = at < 0 || at == begin;
  const auto walked = walk_log(files, begin, [&](const MessageView& record, bool) -> Result<void> {
    if (at >= 0 && record.physical_offset < at) {
      plan.last_record = record.physical_offset;
      plan.store_timestamp = record.store_timestamp;
    }
    boundary = boundary || record.physical_offset == at || record.physical_offset + record.total_size == at;
    return {};
  });
  if (!walked) return walked.error();
  plan.end = walked->damage.empty() ? walked->end : std::max(walked->end, walked->damage.back().end);
  if (at < 0) at = walked->damage.empty() ? walked->end : walked->damage.front().begin;
  if (at < begin || at > plan.end) return Errc::invalid_argument;
  boundary = boundary || at == walked->end;
  for (const LogDamage& damage : walked->damage) boundary = boundary || damage.begin == at;
  if (!boundary) return Errc::invalid_argument;
  plan.at = at;
  const auto counted = walk_log(files, std::min(at, files.end()), [&](const MessageView& record, bool) -> Result<void> {
    ++plan.records;
    ++plan.topics[std::string(record.topic)];
    return {};
  });
  if (!counted) return counted.error();
  return plan;
}

/// Removes the index files that reach behind the cut and enters what they held before it again.
Result<void> cut_index(const StoreOptions& options, const Plan& plan, const commitlog::MappedFileQueue& files, FileSystem& disk,
                       Clock& clock) {
  const auto paths = index_files(options, disk);
  if (!paths) return paths.error();
  if (paths->empty()) return {};
  for (const std::string& path : *paths) {
    const auto size = disk.file_size(path);
    if (!size) return size.error();
    if (*size != options.geometry.file_size()) continue;
    auto mapped = disk.map(path, *size, false);
    if (!mapped) return mapped.error();
    if (consumequeue::KeyIndexFile(std::move(*mapped), options.geometry).header().end_offset < plan.at) continue;
    const auto removed = disk.remove(path);
    if (!removed) return removed;
  }
  consumequeue::KeyIndex index(disk, clock, options.index_path(), options.geometry);
  const auto loaded = index.load(false, 0);
  if (!loaded) return loaded;
  std::int64_t from = std::max<std::int64_t>(files.begin(), 0);
  for (const std::int64_t base : files.bases()) {
    if (base <= index.end_offset()) from = base;
  }
  const auto entered = walk_log(files, from, [&](const MessageView& record, bool) -> Result<void> {
    // The keys of the last record that is indexed may have gone on in a file that was removed.
    return record.physical_offset < plan.at ? index.add(record, true) : Result<void>();
  });
  if (!entered) return entered.error();
  return index.flush();
}

Result<void> cut_store(const StoreOptions& options, const Plan& plan, FileSystem& disk, Clock& clock) {
  consumequeue::QueueTable queues(disk, options.queues_path(), options.queue_file_size,
                                  batch_queues(options, options.batch_queues_path(), std::nullopt));
  const auto loaded = queues.load();
  if (!loaded) return loaded;
  commitlog::CommitLog log({.folders = options.log_folders(), .file_size = options.log_file_size}, disk, clock);
  const auto found = log.load();
  if (!found) return found;
  const auto opened = log.open_at(plan.at, plan.store_timestamp);
  log.close();
  if (!opened) return opened;
  for (const auto& named : queues.all()) {
    auto cut = named.queue->recover(true);
    if (cut) cut = named.queue->truncate(plan.at);
    if (!cut) return cut;
    named.queue->rest();
    named.queue->rest();
  }
  const auto index = cut_index(options, plan, log.files(), disk, clock);
  if (!index) return index;
  commitlog::Checkpoint checkpoint(disk, options.checkpoint_path());
  const auto read = checkpoint.open();
  if (!read) return read;
  checkpoint.set_durable(std::nullopt);
  checkpoint.update([&](commitlog::CheckpointValues& values) {
    values.log_timestamp = std::min(values.log_timestamp, plan.store_timestamp);
    values.queues_timestamp = std::min(values.queues_timestamp, plan.store_timestamp);
    values.index_timestamp = std::min(values.index_timestamp, plan.store_timestamp);
    values.master_flushed_offset = std::min(values.master_flushed_offset, plan.at);
    values.confirm_offset = std::min(values.confirm_offset, plan.last_record);
  });
  return checkpoint.flush();
}

void print(const Plan& plan, bool dry_run, Format format, std::ostream& out) {
  if (format == Format::json) {
    json::Value topics{json::Object{}};
    for (const auto& [topic, count] : plan.topics) topics.set(topic, count);
    json::Value answer;
    answer.set("dryRun", dry_run);
    answer.set("at", plan.at);
    answer.set("end", plan.end);
    answer.set("bytes", plan.end - plan.at);
    answer.set("records", plan.records);
    answer.set("topics", std::move(topics));
    out << json::write(answer, json::IntegerKeys::quoted) << '\n';
    return;
  }
  out << fmt::format("{} {} bytes from {} to {}, with {} records\n", dry_run ? "would cut" : "cut", plan.end - plan.at, plan.at, plan.end,
                     plan.records);
  for (const auto& [topic, count] : plan.topics) out << "  " << topic << ": " << count << '\n';
}

}  // namespace

Result<int> truncate(const StoreOptions& options, const TruncateOptions& what, FileSystem& disk, Clock& clock, Format format,
                     std::ostream& out) {
  if (what.at < 0 && !what.dry_run) return Errc::invalid_argument;
  Findings findings;
  const auto files = load_log(options, disk, findings);
  if (!files) return files.error();
  if (!*files) return Errc::malformed;
  const auto plan = make_plan(**files, what.at);
  if (!plan) return plan.error();
  if (!what.dry_run) {
    const auto cut = change_store(options, "truncate", disk, [&] { return cut_store(options, *plan, disk, clock); });
    if (!cut) return cut.error();
  }
  print(*plan, what.dry_run, format, out);
  return kSound;
}

}  // namespace skylark::tools
