// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace skylark::commitlog {

/// Hashes text of either kind, so that a look-up by view makes no string.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

/// The queue offset that the next message of each queue gets; 0 for a queue it does not know.
/// Threads: none of its own; the commit log's append mutex guards it. Source: QueueOffsetOperator.java 5.3.
class QueueOffsetTable {
 public:
  /// The place where the next offset of that queue stands; valid until the topic is erased.
  [[nodiscard]] std::int64_t& next(std::string_view topic, std::int32_t queue_id) {
    auto found = topics_.find(topic);
    if (found == topics_.end()) found = topics_.emplace(std::string(topic), Queues{}).first;
    return found->second[queue_id];
  }
  void erase(std::string_view topic) {
    const auto found = topics_.find(topic);
    if (found != topics_.end()) topics_.erase(found);
  }
  void clear() { topics_.clear(); }

 private:
  using Queues = std::unordered_map<std::int32_t, std::int64_t>;
  std::unordered_map<std::string, Queues, TextHash, std::equal_to<>> topics_;
};

}  // namespace skylark::commitlog
