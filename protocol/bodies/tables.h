// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/json.h"

namespace skylark {

/// Texts by name: answers to codes 28, 103 and 219. Source: KVTable.java.
struct KvTable {
  std::map<std::string, std::string> table;

  [[nodiscard]] static KvTable from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Source: TopicList.java.
struct TopicList {
  std::optional<std::string> broker_addr;  ///< One broker to ask further, in the answer to code 304.
  std::vector<std::string> topics;

  [[nodiscard]] static TopicList from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Source: GroupList.java.
struct GroupList {
  std::vector<std::string> groups;

  [[nodiscard]] static GroupList from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// Body of the answer to code 38. Source: GetConsumerListByGroupResponseBody.java.
struct ConsumerIdList {
  std::vector<std::string> consumer_ids;

  [[nodiscard]] static ConsumerIdList from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

}  // namespace skylark
