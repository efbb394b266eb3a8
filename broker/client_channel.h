// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "protocol/remoting_command.h"
#include "remoting/dispatcher.h"

namespace skylark::broker {

/// One client on one connection, as it told by heartbeat. Source: ClientChannelInfo.java.
struct ClientChannel {
  remoting::ConnectionPtr connection;
  std::string client_id;
  Language language = Language::unknown;
  std::int32_t version = 0;
  std::int64_t last_update_ms = 0;  ///< Wall clock, as tools show it.
};

}  // namespace skylark::broker
