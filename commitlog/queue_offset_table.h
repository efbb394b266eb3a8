// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/queue_map.h"

namespace skylark::commitlog {

/// The queue offset that the next message of each queue gets; 0 for a queue it does not know.
/// Threads: none of its own; the commit log's append mutex guards it. Source: QueueOffsetOperator.java 5.3.
class QueueOffsetTable {
 public:
  /// The place where the next offset of that queue stands; valid until the next call.
  [[nodiscard]] std::int64_t& next(std::string_view topic, std::int32_t queue_id) { return offsets_.at(topic, queue_id); }
  void erase(std::string_view topic) { offsets_.erase(topic); }
  void clear() { offsets_.clear(); }

 private:
  QueueMap<std::int64_t> offsets_;
};

}  // namespace skylark::commitlog
