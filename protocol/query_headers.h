// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/header_codec.h"

// Headers of looking up single messages.

namespace skylark {

/// Code 12. Source: QueryMessageRequestHeader.java.
struct QueryMessageRequestHeader {
  using Self = QueryMessageRequestHeader;
  std::string topic;
  std::string key;
  std::int32_t count_max = 0;
  std::int64_t begin_timestamp = 0;
  std::int64_t end_timestamp = 0;
  std::optional<std::string> unique_key_query;  ///< `true`: the key is a UNIQ_KEY.
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic, required),
                      field("key", &Self::key, required),
                      field("maxNum", &Self::count_max, required),
                      field("beginTimestamp", &Self::begin_timestamp, required),
                      field("endTimestamp", &Self::end_timestamp, required),
                      field("_UNIQUE_KEY_QUERY", &Self::unique_key_query),
                      field("bname", &Self::broker_name)};
  }
};

/// Answer to code 12, found or not. Source: QueryMessageResponseHeader.java.
struct QueryMessageResponseHeader {
  using Self = QueryMessageResponseHeader;
  std::int64_t index_last_update_timestamp = 0;
  std::int64_t index_last_update_physical_offset = 0;

  static constexpr auto fields() {
    return std::tuple{field("indexLastUpdateTimestamp", &Self::index_last_update_timestamp, required),
                      field("indexLastUpdatePhyoffset", &Self::index_last_update_physical_offset, required)};
  }
};

/// Code 33. Source: ViewMessageRequestHeader.java.
struct ViewMessageRequestHeader {
  using Self = ViewMessageRequestHeader;
  std::optional<std::string> topic;
  std::int64_t physical_offset = 0;
  std::optional<std::string> broker_name;

  static constexpr auto fields() {
    return std::tuple{field("topic", &Self::topic), field("offset", &Self::physical_offset, required), field("bname", &Self::broker_name)};
  }
};

}  // namespace skylark
