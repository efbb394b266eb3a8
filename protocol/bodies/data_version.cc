// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/data_version.h"

namespace skylark {

DataVersion DataVersion::from_json(const json::Value& value) {
  return {.timestamp = value["timestamp"].as_integer(), .counter = value["counter"].as_integer(),
          .state_version = value["stateVersion"].as_integer()};
}

json::Value DataVersion::to_json() const {
  json::Value value;
  value.set("counter", counter);
  value.set("stateVersion", state_version);
  value.set("timestamp", timestamp);
  return value;
}

}  // namespace skylark
