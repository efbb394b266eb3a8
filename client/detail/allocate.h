// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "client/message.h"

namespace skylark::client {

/// The share of member `client_id`: both lists are sorted, then each member gets a run of neighbours, the first members one more
/// when it does not come out even. Nothing for who is not a member. Every member that sees the same lists computes a disjoint,
/// complete division, across clients of all languages. Source: AllocateMessageQueueAveragely.java.
[[nodiscard]] std::vector<MessageQueue> allocate_averagely(const std::string& client_id, std::vector<MessageQueue> queues,
                                                           std::vector<std::string> client_ids);

}  // namespace skylark::client
