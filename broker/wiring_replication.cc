// SPDX-License-Identifier: Apache-2.0
#include "broker/parts.h"

namespace skylark::broker {

void wire_replication(BrokerParts&, Wired&) {}

}  // namespace skylark::broker
