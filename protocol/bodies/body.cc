// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/body.h"

namespace skylark::detail {

json::Value key_object(const json::Value& key) {
  if (!key.is_string()) return key;
  Result<json::Value> inner = json::parse(key.as_string());
  return inner ? std::move(*inner) : json::Value();
}

std::vector<std::string> strings_from(const json::Value& value) {
  std::vector<std::string> texts;
  texts.reserve(value.items().size());
  for (const auto& item : value.items()) {
    if (!item.is_null()) texts.push_back(item.as_string());
  }
  return texts;
}

}  // namespace skylark::detail
