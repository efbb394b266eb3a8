// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "broker/message_hooks.h"
#include "broker/message_store.h"
#include "broker/service.h"
#include "broker/transaction/finished_halves.h"
#include "broker/transaction/half_checker.h"
#include "protocol/message.h"
#include "protocol/send_headers.h"

namespace skylark::broker {

struct TransactionOptions {
  HalfCheckOptions check;
  std::int64_t check_interval_ms = 30'000;  ///< transactionCheckInterval.
  std::int64_t op_body_size_max = 4'096;    ///< transactionOpMsgMaxSize.
  std::int64_t op_interval_ms = 3'000;      ///< transactionOpBatchInterval.
};

/// How the end of a transaction came out: a response code and a remark.
struct EndOutcome {
  ResponseCode code = ResponseCode::success;
  std::string remark;
};
using EndCallback = std::function<void(EndOutcome)>;

/// Transactional messages on a master: ends them, writes down which are finished, and asks producers about those that stay open.
///
/// Life:    `start()` after the store has recovered, `stop()` before it stops; the destructor stops.
/// Threads: every member may be called from any thread, `run_checks()` and `write_ops()` from one at a time.
/// Source:  EndTransactionProcessor.java, TransactionalMessageServiceImpl.java 5.3.
class TransactionService final : public Service {
 public:
  /// `delay` is applied to committed messages: they may carry a delay level.
  TransactionService(MessageStore& store, Clock& clock, TransactionOptions options, HalfCheckPorts ports, MessageHook delay);
  ~TransactionService() override;
  TransactionService(const TransactionService&) = delete;
  TransactionService& operator=(const TransactionService&) = delete;

  void start() override;
  /// Joins, and writes what was finished but not yet written down.
  void stop() override;

  /// Commits or rolls back (by `commit_or_rollback`, one of the two) the half message that the header names, after checking that it is
  /// that message, and calls back once.
  void end(const EndTransactionRequestHeader& header, EndCallback callback);
  /// Puts a message of the given-up topic back into the half topic with its count of checks at 0 (request 323).
  void resume(std::string_view offset_message_id, EndCallback callback);

  /// One pass of checking.
  void run_checks() { checker_.run(); }
  /// Writes the op message if it is due, or at once with `force`.
  void write_ops(bool force);

 private:
  void run();
  void commit(const MessageView& half, EndCallback callback);
  void finish(std::int64_t half_offset);

  MessageStore& store_;
  Clock& clock_;
  const TransactionOptions options_;
  FinishedHalves finished_;
  HalfChecker checker_;
  const MessageHook delay_;

  std::mutex mutex_;  ///< Guards the three below.
  bool ops_full_ = false;
  bool stopping_ = false;
  std::thread thread_;
  std::condition_variable wake_;
};

}  // namespace skylark::broker
