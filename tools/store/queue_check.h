// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consumequeue/queue_table.h"
#include "protocol/message.h"
#include "tools/store/store_files.h"

namespace skylark::tools {

/// Compares the consume queues with the records of the log, shown in order, and those with each other: the offsets of a queue must be dense.
/// Threads: none of its own.
class QueueCheck {
 public:
  /// `queues` is loaded; simple queues are not recovered, batch queues are: what stands behind a hole cannot be searched. `unclean`: units missing at a queue's end are what the next start adds.
  QueueCheck(const consumequeue::QueueTable& queues, std::optional<ConfiguredTopics> configured, std::int64_t log_begin, bool unclean,
             Findings& findings);

  void see(const MessageView& record);
  /// After the last record: reports what is missing, and units that point at no record.
  void finish();

 private:
  struct State {
    consumequeue::QueueTable::QueuePtr queue;  // Null: there is none on disk.
    bool compared = false;                     // Some record of it has its place in the queue.
    bool active = true;
    std::int64_t first = -1;
    std::int64_t next = -1;
    std::int64_t missing = 0;
    std::int64_t missing_first = -1;
    std::int64_t missing_physical = -1;
    std::int64_t wrong = 0;
    std::vector<std::pair<std::int64_t, std::string>> wrong_listed;
  };
  using Name = std::pair<std::string, std::int32_t>;

  State& state_of(const MessageView& record);
  void compare(State& state, const MessageView& record);
  void report(const Name& name, const State& state);
  void walk_rest(const std::string& place, const consumequeue::ConsumeQueue& queue, std::int64_t first, std::int64_t next);
  void unmap_now_and_then();

  const consumequeue::QueueTable& queues_;
  const std::optional<ConfiguredTopics> configured_;
  const std::int64_t log_begin_;
  const bool unclean_;
  Findings& findings_;
  std::map<Name, State, std::less<>> states_;
  std::size_t active_ = 0;
};

}  // namespace skylark::tools
