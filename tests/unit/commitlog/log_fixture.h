// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "commitlog/commit_log.h"
#include "commitlog/log_scanner.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace skylark::commitlog {

/// A commit log of 4 KiB files on a disk in memory.
class LogFixture {
 public:
  static constexpr std::int64_t kFileSize = 4096;

  explicit LogFixture(bool confirm_when_flushed = false, FileFolders folders = {.writable = {"/log"}})
      : confirm_when_flushed_(confirm_when_flushed), folders_(std::move(folders)) {
    open();
  }

  CommitLog* operator->() { return log_.get(); }
  CommitLog& log() { return *log_; }
  ManualClock& clock() { return clock_; }
  FaultyFileSystem& disk() { return *disk_; }

  /// Opens the log at the end that a scan finds.
  void open() {
    log_ = std::make_unique<CommitLog>(CommitLogOptions{folders_, kFileSize, confirm_when_flushed_}, *disk_, clock_);
    REQUIRE(log_->load().has_value());
    const auto found = scan_log(log_->files(), log_->begin(), true, [](const MessageView&) -> Result<void> { return {}; });
    REQUIRE(found.has_value());
    REQUIRE(log_->open_at(found->end, found->last_store_timestamp).has_value());
  }
  void kill() {
    auto disk = disk_->after_kill();
    log_.reset();
    disk_ = std::move(disk);
    open();
  }
  void reopen() {
    log_.reset();
    open();
  }

  Result<AppendResult> append(std::string_view topic, std::int32_t queue_id, std::vector<std::string> bodies, std::int32_t sys_flag = 0) {
    EncodedRecords records;
    for (const std::string& body : bodies) {
      RecordFields fields;
      fields.topic = topic;
      fields.queue_id = queue_id;
      fields.body = body;
      fields.sys_flag = sys_flag;
      records.add(fields);
    }
    return log_->append(records);
  }
  /// Bodies of all records, in order.
  std::vector<std::string> bodies() {
    std::vector<std::string> bodies;
    const auto scanned = scan_log(log_->files(), log_->begin(), true, [&](const MessageView& record) -> Result<void> {
      bodies.emplace_back(record.body);
      return {};
    });
    REQUIRE(scanned.has_value());
    return bodies;
  }

 private:
  const bool confirm_when_flushed_;
  FileFolders folders_;
  ManualClock clock_;
  std::unique_ptr<FaultyFileSystem> disk_ = std::make_unique<FaultyFileSystem>(clock_);
  std::unique_ptr<CommitLog> log_;
};

}  // namespace skylark::commitlog
