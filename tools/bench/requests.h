// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/connection.h"
#include "tools/bench/frame_template.h"
#include "tools/bench/options.h"

namespace skylark::bench {

/// A request encoded once; what differs from one to the next is written into each copy. Numbers that a request has not keep no place.
struct RequestTemplate {
  std::string frame;
  NumberPatch opaque;
  NumberPatch queue;         ///< Queue number.
  NumberPatch offset;        ///< Of a pull: where it reads. Of a commit: what is committed.
  std::size_t key_at = 0;    ///< Of a send: where the last 8 letters of the unique key are; hexadecimal.
  std::size_t group_at = 0;  ///< Of a pull or commit: where the 5 digits of the consumer group are.
  std::size_t body_at = 0;   ///< Of a send: where the body begins.
};

/// What the sends of a run have in common.
struct SendPlan {
  std::int32_t sys_flag = 0;
  std::string properties;  ///< Further ones, as `name 0x01 value 0x02 ...`.
};

[[nodiscard]] std::string topic_name(const Options& options, std::int32_t topic);
[[nodiscard]] std::string group_name(std::int32_t group);
inline constexpr const char* kProducerGroup = "skylark_bench";

/// One send for each topic: as the Java client makes it (short names, unique key), its queue yet to be written.
[[nodiscard]] std::vector<RequestTemplate> make_sends(const Options& options, const SendPlan& plan = {});
/// One pull of `options.batch` messages for each topic. `hold_ms`: how long the broker may hold it when there is nothing; 0 is not.
[[nodiscard]] std::vector<RequestTemplate> make_pulls(const Options& options, std::int64_t hold_ms);
/// One commit of a consumer offset for each topic.
[[nodiscard]] std::vector<RequestTemplate> make_commits(const Options& options);
/// The query for the route of a topic.
[[nodiscard]] RequestTemplate make_route_query(const Options& options, const std::string& topic);

/// Gives a copy of a send its own unique key.
void write_key(char* key, std::uint32_t number) noexcept;
void write_group(char* digits, std::int32_t group) noexcept;

}  // namespace skylark::bench
