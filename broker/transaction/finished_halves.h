// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

namespace skylark::broker {

/// Queue offsets of half messages that were committed or rolled back, until an op message says so in the log.
///
/// They are gathered into one op body until it is full or old enough. A crash in between loses them: those half messages are then
/// checked again. They are remembered beyond that, until the checks have passed them, since an op message takes a moment to be readable.
/// Threads: any. Source: TransactionalMessageServiceImpl.java deletePrepareMessage, TransactionalOpBatchService.java.
class FinishedHalves {
 public:
  FinishedHalves(std::size_t body_size_max, std::int64_t interval_ms) : body_size_max_(body_size_max), interval_ms_(interval_ms) {}

  /// Claims the end of a half message. False when it was claimed before: the same end must not be carried out twice.
  bool claim(std::int64_t half_offset);
  /// Gives a claim back: the message could not be stored.
  void release(std::int64_t half_offset);
  /// Adds a claimed offset to the op body. True when the body is full now.
  bool add(std::int64_t half_offset, std::int64_t now_ms);
  [[nodiscard]] bool contains(std::int64_t half_offset) const;

  /// Milliseconds until the body is due; 0 when it is, empty when there is none.
  [[nodiscard]] std::optional<std::int64_t> due_in_ms(std::int64_t now_ms) const;
  /// Takes the body if it is full or old enough, or there is one and `force`; empty when there is nothing to write.
  [[nodiscard]] std::string take(std::int64_t now_ms, bool force);
  /// Puts a body back that could not be written.
  void give_back(std::string body, std::int64_t now_ms);
  /// Forgets offsets below the progress of checking.
  void forget_below(std::int64_t half_offset);

 private:
  const std::size_t body_size_max_;
  const std::int64_t interval_ms_;
  mutable std::mutex mutex_;
  std::unordered_set<std::int64_t> offsets_;
  std::string body_;
  std::int64_t body_since_ms_ = 0;
};

}  // namespace skylark::broker
