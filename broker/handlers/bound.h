// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/handlers/handlers.h"

namespace skylark::broker {

/// A member function of a handler, which must outlive the table, as a handler function.
template <class Handler>
HandlerFunction bound(Handler& handler, remoting::Reply (Handler::*function)(RemotingCommand&)) {
  return [&handler, function](RemotingCommand& request, const remoting::ConnectionPtr&) { return (handler.*function)(request); };
}
template <class Handler>
HandlerFunction bound(Handler& handler, remoting::Reply (Handler::*function)(RemotingCommand&, const remoting::ConnectionPtr&)) {
  return [&handler, function](RemotingCommand& request, const remoting::ConnectionPtr& connection) {
    return (handler.*function)(request, connection);
  };
}

}  // namespace skylark::broker
