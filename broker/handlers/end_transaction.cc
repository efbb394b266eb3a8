// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/end_transaction.h"

#include "base/log.h"
#include "broker/handlers/answers.h"
#include "broker/transaction/transaction_service.h"
#include "protocol/send_headers.h"
#include "remoting/connection.h"

namespace skylark::broker {
namespace {

EndCallback answer_later(const RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  return [responder = remoting::Responder(connection, request)](EndOutcome outcome) {
    responder.respond(late_answer(outcome.code, std::move(outcome.remark)));
  };
}

}  // namespace

remoting::Reply EndTransactionHandler::end(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  const auto header = decode_header<EndTransactionRequestHeader>(request);
  if (!header) return answer_missing(request, first_missing_field<EndTransactionRequestHeader>(request));
  if (replica_) return answer(request, ResponseCode::slave_not_available, "Message store is slave mode, so end transaction is forbidden. ");

  const bool ends =
      header->commit_or_rollback == sys_flag::kTransactionCommit || header->commit_or_rollback == sys_flag::kTransactionRollback;
  if (!ends) {  // The producer does not know yet; the next check asks again.
    log::info("transaction {} of group {} at {} stays open: {}", header->transaction_id.value_or(header->message_id),
              header->producer_group, connection->remote_address(), request.remark);
    return remoting::Reply::none();
  }
  transactions_.end(*header, [remote = connection->remote_address(), half = header->half_physical_offset,
                              respond = answer_later(request, connection)](EndOutcome outcome) {
    if (outcome.code != ResponseCode::success)
      log::warn("transaction of half message {} ended by {} is refused: {}", half, remote, outcome.remark);
    respond(std::move(outcome));
  });
  return remoting::Reply::deferred();
}

remoting::Reply EndTransactionHandler::resume(RemotingCommand& request, const remoting::ConnectionPtr& connection) {
  transactions_.resume(request.ext.text("msgId").value_or(""), answer_later(request, connection));
  return remoting::Reply::deferred();
}

}  // namespace skylark::broker
