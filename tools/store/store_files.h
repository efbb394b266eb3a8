// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "commitlog/inner_queues.h"
#include "commitlog/mapped_file_queue.h"
#include "consumequeue/key_index_file.h"
#include "consumequeue/queue_table.h"

namespace skylark::tools {

/// Where a store lies and what its files do not say themselves. Defaults are the broker's.
struct StoreOptions {
  std::string root;
  std::string log_folder;             ///< Several are separated by commas; empty: root/commitlog.
  std::string read_only_log_folders;  ///< The same.
  std::int64_t log_file_size = 1'073'741'824;
  std::int64_t queue_file_size = 6'000'000;
  std::int64_t batch_queue_file_size = 13'800'000;
  consumequeue::IndexGeometry geometry;
  commitlog::InnerQueueOptions inner;
  std::vector<std::string> delay_levels = {"1s", "5s", "10s", "30s", "1m",  "2m",  "3m",  "4m", "5m",
                                           "6m", "7m", "8m",  "9m",  "10m", "20m", "30m", "1h", "2h"};

  [[nodiscard]] commitlog::FileFolders log_folders() const {
    return commitlog::FileFolders::parse(log_folder.empty() ? root + "/commitlog" : log_folder, read_only_log_folders);
  }
  [[nodiscard]] std::string queues_path() const { return root + "/consumequeue"; }
  [[nodiscard]] std::string batch_queues_path() const { return root + "/batchconsumequeue"; }
  [[nodiscard]] std::string index_path() const { return root + "/index"; }
  [[nodiscard]] std::string abort_path() const { return root + "/abort"; }
  [[nodiscard]] std::string checkpoint_path() const { return root + "/checkpoint"; }
};

/// Takes over what a `broker.conf` says about the store. Empty on success, else the reason in one sentence.
[[nodiscard]] std::string read_broker_config(FileSystem& disk, const std::string& path, StoreOptions& options);

/// One finding: damage, or something that the next start of a broker puts right by itself.
struct Finding {
  std::string place;         ///< A file or folder below the store, or a topic and queue.
  std::int64_t offset = -1;  ///< In the commit log; -1 without one.
  std::string what;
};

/// What a look at a store found. Damage beyond a thousand is counted and not listed.
struct Findings {
  std::vector<Finding> damage;
  std::vector<Finding> notes;
  std::int64_t damage_count = 0;

  void add_damage(std::string place, std::int64_t offset, std::string what);
  void add_note(std::string place, std::int64_t offset, std::string what);
};

/// Loads the commit log's files; files of another length than their neighbours are damage, and the answer is empty.
[[nodiscard]] Result<std::unique_ptr<commitlog::MappedFileQueue>> load_log(const StoreOptions& options, FileSystem& disk,
                                                                           Findings& findings);

/// Topics that `config/topics.json` names, and whether their `queue.type` is BatchCQ.
using ConfiguredTopics = std::map<std::string, bool, std::less<>>;
/// Empty when the file cannot be read.
[[nodiscard]] std::optional<ConfiguredTopics> configured_topics(const StoreOptions& options, FileSystem& disk);
/// For a table of queues: batch queues in that folder, of the topics that the file names.
[[nodiscard]] consumequeue::BatchQueues batch_queues(const StoreOptions& options, std::string folder,
                                                     const std::optional<ConfiguredTopics>& configured);
/// True for topics that a broker has without their being configured.
[[nodiscard]] bool is_system_topic(const std::string& topic);

/// Paths of the files of the key index, oldest first.
[[nodiscard]] Result<std::vector<std::string>> index_files(const StoreOptions& options, FileSystem& disk);

/// Makes a change of several parts, durable on return. Until then `abort` stands, whose text is `what`, so that a start that comes upon a
/// half made change looks for itself; after an error it stays. One that was there before stays as well.
[[nodiscard]] Result<void> change_store(const StoreOptions& options, std::string_view what, FileSystem& disk,
                                        const std::function<Result<void>()>& change);

}  // namespace skylark::tools
