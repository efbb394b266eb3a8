// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "broker/cold_reads.h"
#include "broker/handlers/handlers.h"

namespace skylark::broker {

/// The same handler, run by a worker, for requests that read whatever a client asks for, however old. It is answered later, or with code 2
/// when too many wait. `reads` and what `function` refers to outlive the table.
inline HandlerFunction on_worker(ColdReads& reads, HandlerFunction function) {
  return [&reads, function = std::move(function)](RemotingCommand& request, const remoting::ConnectionPtr& connection) -> remoting::Reply {
    const remoting::Responder responder(connection, request);
    const auto owned = std::make_shared<RemotingCommand>(std::move(request));
    owned->own();
    const bool taken = reads.submit([&function, owned, connection, responder] {
      if (!connection->is_open()) return;
      remoting::Reply reply = function(*owned, connection);
      if (reply.has_response()) responder.respond(reply.take());
    });
    if (taken) return remoting::Reply::deferred();
    return answer(*owned, ResponseCode::system_busy, kOverloadRemark);
  };
}

}  // namespace skylark::broker
