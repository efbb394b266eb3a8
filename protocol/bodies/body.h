// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "protocol/json.h"

// A JSON body is a struct with
//
//   static T from_json(const json::Value& value);  // Absent or senseless members keep their defaults, as in Java.
//   json::Value to_json() const;                    // Members in alphabetical order, absent ones left out.
//
// Text is compact: the Go client splits some of it by hand and stumbles over spaces.

namespace skylark {

/// Reads a body. Errors: `malformed` when the text is no JSON or no object.
template <class T>
[[nodiscard]] Result<T> decode_body(std::string_view text) {
  const Result<json::Value> value = json::parse(text);
  if (!value) return value.error();
  if (!value->is_object()) return make_error_code(Errc::malformed);
  return T::from_json(*value);
}

template <class T>
[[nodiscard]] std::string encode_body(const T& body, json::IntegerKeys integer_keys = json::IntegerKeys::bare) {
  return json::write(body.to_json(), integer_keys);
}

namespace detail {

/// The object a key stands for: fastjson writes it bare, standard JSON as text within a string.
[[nodiscard]] json::Value key_object(const json::Value& key);

template <class T>
json::Value array_of(const T& values) {
  json::Array items;
  items.reserve(values.size());
  for (const auto& value : values) {
    if constexpr (requires { value.to_json(); })
      items.push_back(value.to_json());
    else
      items.emplace_back(value);
  }
  return json::Value(std::move(items));
}

template <class Map>
json::Value object_of(const Map& map) {
  json::Object members;
  members.reserve(map.size());
  for (const auto& [key, value] : map) {
    json::Value name, item;
    if constexpr (requires { key.to_json(); })
      name = key.to_json();
    else
      name = json::Value(key);
    if constexpr (requires { value.to_json(); })
      item = value.to_json();
    else
      item = json::Value(value);
    members.emplace_back(std::move(name), std::move(item));
  }
  return json::Value(std::move(members));
}

template <class T>
std::vector<T> vector_from(const json::Value& value) {
  std::vector<T> items;
  items.reserve(value.items().size());
  for (const auto& item : value.items()) items.push_back(T::from_json(item));
  return items;
}

/// Texts of an array; nulls are left out.
[[nodiscard]] std::vector<std::string> strings_from(const json::Value& value);

}  // namespace detail
}  // namespace skylark
