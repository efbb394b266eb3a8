// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "protocol/remoting_command.h"

namespace skylark::fuzz {

/// A decoded command must come out the same of every codec that can say it.
void check_command(const RemotingCommand& command);

}  // namespace skylark::fuzz
