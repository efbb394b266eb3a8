// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "protocol/bodies/data_version.h"
#include "protocol/json.h"

namespace skylark {

namespace permission {
inline constexpr std::int32_t kInherit = 1, kWrite = 2, kRead = 4, kPriority = 8;
[[nodiscard]] constexpr bool readable(std::int32_t perm) noexcept { return (perm & kRead) != 0; }
[[nodiscard]] constexpr bool writable(std::int32_t perm) noexcept { return (perm & kWrite) != 0; }
[[nodiscard]] constexpr bool inherited(std::int32_t perm) noexcept { return (perm & kInherit) != 0; }
}  // namespace permission

/// Configuration of one topic on one broker. Source: TopicConfig.java.
struct TopicConfig {
  std::string name;
  std::int32_t read_queues = 16;
  std::int32_t write_queues = 16;
  std::int32_t perm = permission::kRead | permission::kWrite;
  bool multi_tag = false;  ///< topicFilterType: SINGLE_TAG or MULTI_TAG.
  std::int32_t sys_flag = 0;
  bool order = false;
  std::map<std::string, std::string> attributes;

  [[nodiscard]] static TopicConfig from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  friend bool operator==(const TopicConfig&, const TopicConfig&) = default;
};

/// All topics of a broker. Source: TopicConfigSerializeWrapper.java.
struct TopicConfigTable {
  DataVersion version;
  std::map<std::string, TopicConfig> topics;

  [[nodiscard]] static TopicConfigTable from_json(const json::Value& value);
  /// `dataVersion` and `topicConfigTable`: the form of topics.json.
  [[nodiscard]] json::Value to_json() const;
  /// With the members of TopicConfigAndMappingSerializeWrapper.java, empty: the form of request 21 and of registrations.
  [[nodiscard]] json::Value to_json_with_mapping() const;
};

}  // namespace skylark
