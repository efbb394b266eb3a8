// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skylark {

/// One `key=value` of a Java properties file and the line (from 1) on which it starts.
struct Property {
  std::string key;
  std::string value;
  int line = 0;
};

/// Reads the syntax of java.util.Properties: `=`, `:` or blanks after the key, `#` and `!` comments, backslash escapes (`\n`, `\u0041`)
/// and continued lines. Never fails: a broken `\u` escape is kept as it stands. Later duplicates follow earlier ones, in order.
/// Source: Properties.load of the JDK, MixAll.string2Properties.
[[nodiscard]] std::vector<Property> read_properties(std::string_view text);

/// One `key=value` line (with its newline) in plain form, as MixAll.properties2String writes it for admin answers: no escapes.
void append_plain_property(std::string& out, std::string_view key, std::string_view value);

/// One line of a file, escaped so that `read_properties` gives back the same key and value.
void append_escaped_property(std::string& out, std::string_view key, std::string_view value);

/// Replaces the values of `changes` in a properties text and appends the keys that it lacks; comments, order and the rest stay.
[[nodiscard]] std::string edit_properties(std::string_view text, const std::vector<std::pair<std::string, std::string>>& changes);

}  // namespace skylark
