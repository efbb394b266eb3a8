// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "broker/handlers/handlers.h"
#include "protocol/bodies/body.h"
#include "protocol/header_codec.h"

namespace skylark::broker {

/// Success with a JSON body.
template <class T>
[[nodiscard]] RemotingCommand answer_body(const RemotingCommand& request, const T& body) {
  RemotingCommand response = answer(request, ResponseCode::success);
  response.body = Body(encode_body(body));
  return response;
}

/// A response that a `Responder` will send: it fills in what belongs to the request.
[[nodiscard]] inline RemotingCommand late_answer(ResponseCode code, std::string remark) {
  RemotingCommand response;
  response.code = to_int(code);
  response.remark = std::move(remark);
  return response;
}

}  // namespace skylark::broker
