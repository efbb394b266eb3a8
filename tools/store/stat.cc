// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ostream>
#include <tuple>

#include <fmt/core.h>

#include "base/error.h"
#include "commitlog/checkpoint.h"
#include "commitlog/log_scanner.h"
#include "protocol/json.h"
#include "tools/store/commands.h"

namespace skylark::tools {
namespace {

/// Lines of `name: value, …` from an object, nested lists one item a line.
void print_text(const json::Value& answer, std::ostream& out) {
  const auto scalar = [](const json::Value& value) { return value.is_string() ? value.as_string() : json::write(value); };
  for (const auto& [name, value] : answer.members()) {
    if (!value.is_array() && !value.is_object()) {
      out << name.as_string() << ": " << scalar(value) << '\n';
      continue;
    }
    out << name.as_string() << ":\n";
    const auto line = [&](const json::Value& item) {
      std::string text;
      for (const auto& [key, member] : item.members())
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key.as_string(), scalar(member));
      out << "  " << text << '\n';
    };
    if (value.is_object()) line(value);
    for (const json::Value& item : value.items()) line(item);
  }
}

/// Where the records end, read from the last file that begins with one.
Result<std::int64_t> end_of_records(const commitlog::MappedFileQueue& files) {
  std::int64_t from = std::max<std::int64_t>(files.begin(), 0);
  for (const std::int64_t base : files.bases()) {
    const auto first_ms = commitlog::first_store_timestamp(files, base);
    if (!first_ms) return first_ms.error();
    if (*first_ms > 0) from = base;
  }
  const auto scanned = commitlog::scan_log(files, from, false, [](const MessageView&) -> Result<void> { return {}; });
  if (!scanned) return scanned.error();
  return scanned->end;
}

Result<json::Value> describe_queues(const StoreOptions& options, FileSystem& disk, std::int64_t log_begin) {
  json::Array list;
  if (!disk.is_folder(options.queues_path())) return json::Value(std::move(list));
  consumequeue::QueueTable queues(disk, options.queues_path(), options.queue_file_size,
                                  batch_queues(options, options.batch_queues_path(), std::nullopt));
  const auto loaded = queues.load();
  if (!loaded) return loaded.error();
  auto all = queues.all();
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return std::tie(a.topic, a.queue_id) < std::tie(b.topic, b.queue_id); });
  for (const auto& named : all) {
    const auto recovered = named.queue->recover(false);
    if (!recovered) return recovered.error();
    if (!named.queue->expire(log_begin)) return Errc::io_error;
    json::Value item;
    item.set("topic", named.topic);
    item.set("queueId", named.queue_id);
    item.set("minOffset", named.queue->min_offset());
    item.set("maxOffset", named.queue->max_offset());
    list.push_back(std::move(item));
    named.queue->rest();
    named.queue->rest();
  }
  return json::Value(std::move(list));
}

Result<json::Value> describe_index(const StoreOptions& options, FileSystem& disk) {
  json::Array list;
  const auto paths = index_files(options, disk);
  if (!paths) return paths.error();
  for (const std::string& path : *paths) {
    json::Value item;
    item.set("file", path.substr(path.rfind('/') + 1));
    const auto size = disk.file_size(path);
    if (!size) return size.error();
    item.set("bytes", *size);
    if (*size >= 40) {  // The header is the same whatever the numbers of slots and entries.
      auto mapped = disk.map(path, *size, false);
      if (!mapped) return mapped.error();
      const consumequeue::KeyIndexFile file(std::move(*mapped), options.geometry);
      item.set("entries", file.header().next_entry - 1);
      item.set("beginOffset", file.header().begin_offset);
      item.set("endOffset", file.header().end_offset);
      item.set("beginTimestamp", file.header().begin_timestamp);
      item.set("endTimestamp", file.header().end_timestamp);
    }
    list.push_back(std::move(item));
  }
  return json::Value(std::move(list));
}

}  // namespace

Result<int> stat(const StoreOptions& options, FileSystem& disk, Format format, std::ostream& out) {
  Findings findings;
  const auto files = load_log(options, disk, findings);
  if (!files) return files.error();
  if (!*files) return Errc::malformed;
  const std::int64_t begin = std::max<std::int64_t>((*files)->begin(), 0);
  const auto end = end_of_records(**files);
  if (!end) return end.error();

  json::Value answer;
  answer.set("store", options.root);
  answer.set("abort", disk.exists(options.abort_path()));
  answer.set("beginOffset", begin);
  answer.set("endOffset", *end);
  answer.set("commitLogFileSize", (*files)->file_size());
  json::Array list;
  for (const std::int64_t base : (*files)->bases()) {
    const auto first_ms = commitlog::first_store_timestamp(**files, base);
    if (!first_ms) return first_ms.error();
    json::Value item;
    item.set("file", commitlog::mapped_file_name(base));
    item.set("firstStoreTimestamp", *first_ms);
    list.push_back(std::move(item));
  }
  answer.set("commitLog", std::move(list));
  const auto queues = describe_queues(options, disk, begin);
  if (!queues) return queues.error();
  answer.set("queues", *queues);
  const auto index = describe_index(options, disk);
  if (!index) return index.error();
  answer.set("index", *index);
  commitlog::Checkpoint checkpoint(disk, options.checkpoint_path());
  if (checkpoint.open()) {
    const auto values = checkpoint.values();
    json::Value item;
    item.set("logTimestamp", values.log_timestamp);
    item.set("queuesTimestamp", values.queues_timestamp);
    item.set("indexTimestamp", values.index_timestamp);
    item.set("masterFlushedOffset", values.master_flushed_offset);
    item.set("confirmOffset", values.confirm_offset);
    answer.set("checkpoint", std::move(item));
  } else {
    answer.set("checkpoint", "missing or of a wrong length");
  }
  if (format == Format::json)
    out << json::write(answer, json::IntegerKeys::quoted) << '\n';
  else
    print_text(answer, out);
  return kSound;
}

}  // namespace skylark::tools
