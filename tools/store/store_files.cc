// SPDX-License-Identifier: Apache-2.0
#include "tools/store/store_files.h"

#include <charconv>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/core.h>

#include "base/error.h"
#include "base/properties_text.h"
#include "protocol/json.h"

namespace skylark::tools {
namespace {

constexpr std::size_t kListedMax = 1000;

template <class Integer>
bool read_number(const std::string& text, Integer& into) {
  Integer number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number <= 0) return false;
  into = number;
  return true;
}

}  // namespace

std::string read_broker_config(FileSystem& disk, const std::string& path, StoreOptions& options) {
  const auto text = disk.read_all(path);
  if (!text) return fmt::format("cannot read {}: {}", path, text.error().message());
  for (const Property& property : read_properties(*text)) {
    const auto& [key, value, line] = property;
    bool good = true;
    if (key == "storePathRootDir") options.root = value;
    if (key == "storePathCommitLog") options.log_folder = value;
    if (key == "readOnlyCommitLogStorePaths") options.read_only_log_folders = value;
    if (key == "mappedFileSizeCommitLog" || key == "mapedFileSizeCommitLog") good = read_number(value, options.log_file_size);
    if (key == "mappedFileSizeConsumeQueue" || key == "mapedFileSizeConsumeQueue") good = read_number(value, options.queue_file_size);
    if (key == "mapperFileSizeBatchConsumeQueue") good = read_number(value, options.batch_queue_file_size);
    if (key == "enableLmq") options.inner.number = value == "true";
    if (key == "enableMultiDispatch") options.inner.enter = value == "true";
    if (key == "maxHashSlotNum") good = read_number(value, options.geometry.slots);
    if (key == "maxIndexNum") good = read_number(value, options.geometry.entries);
    if (key == "messageDelayLevel") {
      options.delay_levels.clear();
      std::istringstream words(value);
      for (std::string word; words >> word;) options.delay_levels.push_back(word);
    }
    if (!good) return fmt::format("{}:{}: {}={} is no positive number", path, line, key, value);
  }
  return {};
}

void Findings::add_damage(std::string place, std::int64_t offset, std::string what) {
  if (++damage_count <= static_cast<std::int64_t>(kListedMax)) damage.push_back({std::move(place), offset, std::move(what)});
}

void Findings::add_note(std::string place, std::int64_t offset, std::string what) {
  if (notes.size() < kListedMax) notes.push_back({std::move(place), offset, std::move(what)});
}

Result<std::unique_ptr<commitlog::MappedFileQueue>> load_log(const StoreOptions& options, FileSystem& disk, Findings& findings) {
  auto files = std::make_unique<commitlog::MappedFileQueue>(disk, options.log_folders(), options.log_file_size);
  const auto loaded = files->load();
  if (loaded) return files;
  if (loaded.error() != Errc::malformed) return loaded.error();
  std::map<std::string, std::int64_t> sizes;  // By name: the order of the row.
  for (const std::string& folder : files->folders()) {
    const auto names = disk.list(folder);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) continue;
      const auto size = disk.file_size(folder + "/" + name);
      if (!size) return size.error();
      if (!sizes.emplace(name, *size).second)
        findings.add_damage("commitlog/" + name, -1, "there is one in another folder of the commit log");
    }
  }
  for (const auto& [name, size] : sizes) {
    const std::int64_t common = sizes.begin()->second;
    if (size != common || common == 0)
      findings.add_damage("commitlog/" + name, -1, fmt::format("{} bytes, where the first file has {}", size, common));
  }
  if (findings.damage.empty()) findings.add_damage("commitlog", -1, "the names of the files are not multiples of their length");
  return std::unique_ptr<commitlog::MappedFileQueue>();
}

std::optional<ConfiguredTopics> configured_topics(const StoreOptions& options, FileSystem& disk) {
  const auto text = disk.read_all(options.root + "/config/topics.json");
  if (!text) return std::nullopt;
  const auto parsed = json::parse(*text);
  if (!parsed || !(*parsed)["topicConfigTable"].is_object()) return std::nullopt;
  ConfiguredTopics topics;
  for (const auto& [name, config] : (*parsed)["topicConfigTable"].members())
    topics[name.as_string()] = config["attributes"]["queue.type"].as_string() == "BatchCQ";
  return topics;
}

consumequeue::BatchQueues batch_queues(const StoreOptions& options, std::string folder, const std::optional<ConfiguredTopics>& configured) {
  consumequeue::BatchQueues batch{.folder = std::move(folder), .file_size = options.batch_queue_file_size};
  if (!configured) return batch;
  batch.listed = [topics = *configured](std::string_view topic) -> std::optional<bool> {
    const auto known = topics.find(topic);
    return known == topics.end() ? std::nullopt : std::optional<bool>(known->second);
  };
  return batch;
}

bool is_system_topic(const std::string& topic) {
  return topic == "SCHEDULE_TOPIC_XXXX" || topic.starts_with("RMQ_SYS_") || topic.starts_with("rmq_sys_");
}

Result<std::vector<std::string>> index_files(const StoreOptions& options, FileSystem& disk) {
  std::vector<std::string> paths;
  const auto names = disk.list(options.index_path());
  if (!names && names.error() == Errc::not_found) return paths;
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const std::string path = options.index_path() + "/" + name;
    if (!disk.is_folder(path)) paths.push_back(path);
  }
  return paths;
}

Result<void> change_store(const StoreOptions& options, std::string_view what, FileSystem& disk,
                          const std::function<Result<void>()>& change) {
  const bool clean = !disk.exists(options.abort_path());
  if (clean) {
    const auto marked = disk.write_all(options.abort_path(), what, true);
    if (!marked) return marked;
  }
  const auto changed = change();
  if (!changed) return changed;
  const auto synced = disk.sync_all(options.root);
  if (!synced || !clean) return synced;
  const auto removed = disk.remove(options.abort_path());
  if (!removed) return removed;
  (void)disk.sync_folder(options.root);
  return {};
}

}  // namespace skylark::tools
