// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "protocol/message.h"
#include "tools/bench/options.h"

namespace skylark::bench {

/// The little of a stored record that a load generator reads of each message.
struct Record {
  std::int64_t queue_offset = 0;
  std::string_view body;
};

/// Body of an answer: what follows the header.
[[nodiscard]] inline std::string_view body_of(std::string_view frame) {
  const std::size_t header_size = load_be<std::uint32_t>(frame.data()) & 0xFFFFFF;
  return frame.substr(4 + header_size);
}

/// Hands each record of a pull's answer to `on_record`. Errors: `BenchError` for a broken one.
template <class OnRecord>
void for_each_record(std::string_view frame, OnRecord&& on_record) {
  std::string_view rest = body_of(frame);
  while (!rest.empty()) {
    // Up to the body: 84 bytes with IPv4 addresses, 12 more for each IPv6 one. Source: docs/format/commit-log.md.
    constexpr std::size_t kBodySizeAt = 84;
    const std::size_t size = rest.size() < kBodySizeAt + 4 ? 0 : load_be<std::uint32_t>(rest.data());
    if (size < kBodySizeAt + 4 || size > rest.size()) throw BenchError("a pull was answered with a broken record");
    const auto flags = load_be<std::int32_t>(rest.data() + record_at::kSysFlag);
    const std::size_t at =
        kBodySizeAt + ((flags & sys_flag::kBornHostV6) != 0 ? 12u : 0u) + ((flags & sys_flag::kStoreHostV6) != 0 ? 12u : 0u);
    const std::size_t body_size = at + 4 > size ? size : load_be<std::uint32_t>(rest.data() + at);
    if (at + 4 + body_size > size) throw BenchError("a pull was answered with a broken record");
    on_record(Record{load_be<std::int64_t>(rest.data() + record_at::kQueueOffset), rest.substr(at + 4, body_size)});
    rest.remove_prefix(size);
  }
}

}  // namespace skylark::bench
