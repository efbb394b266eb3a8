// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "broker/message_store.h"
#include "commitlog/commit_log.h"
#include "commitlog/encoded_records.h"

namespace skylark::broker {

/// Puts that one thread hands to the log together, which takes it once for all of them; each is stored or refused on its own.
/// `MessageStore::stage` adds one, `append_staged` gives all their results. Reuse one per thread: it keeps the memory of small messages.
class StagedPuts {
 public:
  struct Put {
    PutResult result;
    bool wait_store_ok = true;
    Host store_host;
  };

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] PutResult& result(std::size_t index) noexcept { return puts_[index].result; }
  /// Their results stay readable until the next `stage`.
  void clear() noexcept { size_ = 0; }

  // For stores.
  /// One more, blank.
  Put& add() {
    if (size_ == puts_.size()) {
      puts_.emplace_back();
      records_.emplace_back();
      appended_.emplace_back();
    }
    records_[size_].clear();
    return puts_[size_++] = Put{};
  }
  [[nodiscard]] Put& put(std::size_t index) noexcept { return puts_[index]; }
  [[nodiscard]] std::span<commitlog::EncodedRecords> records() noexcept { return {records_.data(), size_}; }
  /// What became of `records()`.
  [[nodiscard]] std::span<Result<commitlog::AppendResult>> appended() noexcept { return {appended_.data(), size_}; }

 private:
  std::size_t size_ = 0;  // The vectors only grow.
  std::vector<Put> puts_;
  std::vector<commitlog::EncodedRecords> records_;
  std::vector<Result<commitlog::AppendResult>> appended_;
};

}  // namespace skylark::broker
