// SPDX-License-Identifier: Apache-2.0
#include "nameserver/requests.h"

#include <fmt/format.h>

namespace skylark::nameserver {

RemotingCommand RequestTable::answer(RemotingCommand& request, std::uint64_t connection_id) const {
  const auto found = functions_.find(request.code);
  if (found == functions_.end()) {
    return respond(request, ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", request.code));
  }
  return found->second(request, connection_id);
}

}  // namespace skylark::nameserver
