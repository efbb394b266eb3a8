// SPDX-License-Identifier: Apache-2.0
#include "remoting/dispatcher.h"

#include "remoting/connection.h"

namespace skylark::remoting {

Responder::Responder(ConnectionPtr connection, const RemotingCommand& request)
    : Responder(std::move(connection), request.opaque, request.codec, request.is_one_way()) {}

Responder::Responder(ConnectionPtr connection, std::int32_t opaque, Codec codec, bool one_way)
    : connection_(std::move(connection)), opaque_(opaque), codec_(codec), one_way_(one_way) {}

void Responder::respond(RemotingCommand response) const {
  if (one_way_ || !connection_) return;
  response.opaque = opaque_;
  response.flag |= kFlagResponse;
  response.codec = codec_;
  connection_->send(std::move(response));
}

}  // namespace skylark::remoting
