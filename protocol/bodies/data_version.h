// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "protocol/json.h"

namespace skylark {

/// Version of a table of configuration: bumped on each change, compared as a whole. Source: DataVersion.java.
struct DataVersion {
  std::int64_t timestamp = 0;  ///< Milliseconds since the epoch of the last change.
  std::int64_t counter = 0;
  std::int64_t state_version = 0;  ///< Epoch of the master in controller mode, else 0.

  void bump(std::int64_t now_ms) noexcept {
    timestamp = now_ms;
    ++counter;
  }
  [[nodiscard]] static DataVersion from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
  friend bool operator==(const DataVersion&, const DataVersion&) = default;
};

}  // namespace skylark
