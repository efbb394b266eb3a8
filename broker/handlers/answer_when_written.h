// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "broker/config_writer.h"
#include "broker/handlers/answers.h"

namespace skylark::broker {

/// Answers with `response` when what has been changed in the table so far is durable, with code 1 when the disk refuses it: the change is
/// in force all the same, and the same request again waits for the next try.
inline remoting::Reply answer_when_written(ConfigTable& table, const RemotingCommand& request, const remoting::ConnectionPtr& connection,
                                           RemotingCommand response) {
  const auto owned = std::make_shared<RemotingCommand>(std::move(response));
  owned->own();
  table.when_written([responder = remoting::Responder(connection, request), owned](const Result<void>& written) {
    if (written) return responder.respond(std::move(*owned));
    responder.respond(late_answer(ResponseCode::system_error,
                                  fmt::format("the change is in force, but it could not be made durable: {}", written.error().message())));
  });
  return remoting::Reply::deferred();
}

}  // namespace skylark::broker
