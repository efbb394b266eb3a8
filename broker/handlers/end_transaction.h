// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "remoting/dispatcher.h"

namespace skylark::broker {

class TransactionService;

/// Codes 37 (a producer ends a transaction) and 323 (a tool brings back a half message that was given up).
/// Threads: any. Source: EndTransactionProcessor.java, AdminBrokerProcessor.java resumeCheckHalfMessage.
class EndTransactionHandler {
 public:
  EndTransactionHandler(TransactionService& transactions, bool replica) : transactions_(transactions), replica_(replica) {}

  remoting::Reply end(RemotingCommand& request, const remoting::ConnectionPtr& connection);
  remoting::Reply resume(RemotingCommand& request, const remoting::ConnectionPtr& connection);

 private:
  TransactionService& transactions_;
  const bool replica_;
};

}  // namespace skylark::broker
