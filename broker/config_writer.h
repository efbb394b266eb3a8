// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"

namespace skylark::broker {

class ConfigWriter;

/// One table of config/*.json, written by a `ConfigWriter`. What changes while it is being written goes into its next write, however many
/// changes that are. Threads: any.
class ConfigTable {
 public:
  /// `write` makes the table as it is at the call durable; it runs on the writer's thread, one call at a time. Make all tables before the
  /// writer starts.
  ConfigTable(ConfigWriter& writer, std::function<Result<void>()> write);
  ConfigTable(const ConfigTable&) = delete;
  ConfigTable& operator=(const ConfigTable&) = delete;

  /// The table has changed: it is written soon, and nobody waits.
  void changed();
  /// Calls `done` when all that was told by `changed` before is durable: within this call when it is already, else on the writer's thread.
  /// Errors: what the disk says, once, after which the table is tried again; `busy` when too many wait; `closed` after the stop.
  void when_written(std::function<void(const Result<void>&)> done);

 private:
  friend class ConfigWriter;
  struct Waiting {
    std::uint64_t change = 0;
    std::function<void(const Result<void>&)> done;
  };

  ConfigWriter& writer_;  // Its mutex guards what follows.
  const std::function<Result<void>()> write_;
  std::uint64_t changes_ = 0;  ///< So many were told,
  std::uint64_t written_ = 0;  ///< so many of them are durable.
  std::vector<Waiting> waiting_;
};

/// The thread that writes the broker's tables, so that no io thread waits for a disk. A table that could not be written is tried again
/// with its next change or wait, and every ten seconds.
///
/// Life:    `start()`, use, `stop()` once nobody changes the tables any more. Without a start nothing is written but by `write_changed`.
/// Threads: any.
class ConfigWriter {
 public:
  ConfigWriter() = default;
  ~ConfigWriter();  ///< It must have been stopped.
  ConfigWriter(const ConfigWriter&) = delete;
  ConfigWriter& operator=(const ConfigWriter&) = delete;

  void start();
  /// Joins the thread and writes all tables once more, changed or not, as Java's broker does. Nothing without a start.
  void stop();
  /// Writes the tables that have changed, after the write under way if there is one, and answers those who wait for them.
  void write_changed();

 private:
  friend class ConfigTable;
  void loop();
  void write_one(ConfigTable& table);

  std::vector<ConfigTable*> tables_;
  std::mutex writing_;  // Held for a whole write; before `mutex_`.
  std::mutex mutex_;    // For the copies alone.
  std::condition_variable wake_;
  bool asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace skylark::broker
