// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/connection.h"
#include "tools/bench/frame_template.h"
#include "tools/bench/options.h"

namespace skylark::bench {

/// A request encoded once; what differs from one to the next is written into each copy.
struct RequestTemplate {
  std::string frame;
  NumberPatch opaque;
  NumberPatch number;      ///< Of a pull: the queue offset.
  std::size_t key_at = 0;  ///< Of a send: where the last 8 letters of the unique key are; hexadecimal.
};

[[nodiscard]] std::string topic_name(const Options& options, std::int32_t topic);

/// One send for each queue of each topic, queue by queue within a topic: as the Java client makes it (short names, unique key).
[[nodiscard]] std::vector<RequestTemplate> make_sends(const Options& options);
/// One pull of `options.batch` messages for each queue of each topic, never held by the broker.
[[nodiscard]] std::vector<RequestTemplate> make_pulls(const Options& options);
/// Gives a copy of a send its own unique key.
void write_key(char* key, std::uint32_t number) noexcept;

/// Creates the topics on the broker, or changes their number of queues. Errors: `BenchError` with the broker's remark.
void create_topics(Connection& connection, const Options& options);

}  // namespace skylark::bench
