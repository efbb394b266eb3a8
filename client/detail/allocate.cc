// SPDX-License-Identifier: Apache-2.0
#include "client/detail/allocate.h"

#include <algorithm>

namespace skylark::client {

std::vector<MessageQueue> allocate_averagely(const std::string& client_id, std::vector<MessageQueue> queues,
                                             std::vector<std::string> client_ids) {
  std::ranges::sort(queues);
  std::ranges::sort(client_ids);
  const auto self = std::ranges::find(client_ids, client_id);
  if (self == client_ids.end()) return {};
  const auto index = static_cast<std::size_t>(self - client_ids.begin());
  const std::size_t rest = queues.size() % client_ids.size();
  const std::size_t share = queues.size() / client_ids.size();
  const std::size_t begin = index * share + std::min(index, rest);
  const std::size_t count = share + (index < rest ? 1 : 0);
  const auto from = queues.begin() + static_cast<std::ptrdiff_t>(begin);
  return {from, from + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace skylark::client
