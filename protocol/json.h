// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace skylark::json {

class Value;
using Array = std::vector<Value>;
/// Members in order of writing; keys are values, since fastjson writes integer and object keys bare (`{0:"a"}`, `{{"topic":"T"}:1}`).
using Object = std::vector<std::pair<Value, Value>>;

/// A JSON value in the dialect of fastjson 1.2: read leniently, written strictly in the form official clients expect.
class Value {
 public:
  using Storage = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object>;

  Value() : storage_(nullptr) {}
  Value(std::nullptr_t) : storage_(nullptr) {}
  Value(bool value) : storage_(value) {}
  Value(std::int32_t value) : storage_(static_cast<std::int64_t>(value)) {}
  Value(std::int64_t value) : storage_(value) {}
  Value(double value) : storage_(value) {}
  Value(const char* value) : storage_(std::string(value)) {}
  Value(std::string_view value) : storage_(std::string(value)) {}
  Value(std::string value) : storage_(std::move(value)) {}
  Value(Array value) : storage_(std::move(value)) {}
  Value(Object value) : storage_(std::move(value)) {}

  [[nodiscard]] bool is_null() const noexcept { return storage_.index() == 0; }
  [[nodiscard]] bool is_object() const noexcept { return std::holds_alternative<Object>(storage_); }
  [[nodiscard]] bool is_array() const noexcept { return std::holds_alternative<Array>(storage_); }
  [[nodiscard]] bool is_string() const noexcept { return std::holds_alternative<std::string>(storage_); }

  /// Lenient reading: numbers as strings and strings as numbers, as fastjson does; the fallback when it makes no sense.
  [[nodiscard]] std::int64_t as_integer(std::int64_t fallback = 0) const noexcept;
  /// As `as_integer`, with the fallback for what does not fit into 32 bits.
  [[nodiscard]] std::int32_t as_int32(std::int32_t fallback = 0) const noexcept;
  [[nodiscard]] double as_double(double fallback = 0) const noexcept;
  [[nodiscard]] bool as_boolean(bool fallback = false) const noexcept;
  [[nodiscard]] std::string as_string(std::string_view fallback = {}) const;

  /// Member by text key (of duplicates the last), or a null value. Items of an array or members of an object: empty when it is neither.
  [[nodiscard]] const Value& operator[](std::string_view key) const noexcept;
  [[nodiscard]] bool contains(std::string_view key) const noexcept;
  [[nodiscard]] const Array& items() const noexcept;
  [[nodiscard]] const Object& members() const noexcept;

  /// Adds a member to an object (a null value becomes one) or an item to an array.
  void set(Value key, Value value);
  void push(Value item);

  [[nodiscard]] const Storage& storage() const noexcept { return storage_; }
  friend bool operator==(const Value&, const Value&) = default;

 private:
  Storage storage_;
};

/// How keys that are numbers are written: `{0:"a"}` (fastjson) or `{"0":"a"}` (standard).
enum class IntegerKeys { bare, quoted };

/// Reads fastjson's dialect: bare integer, object and identifier keys, single quotes, trailing commas, and standard JSON.
/// Nesting is bounded (64) and so is the input by its size. Errors: `malformed`.
[[nodiscard]] Result<Value> parse(std::string_view text);
/// Compact text. Members are written in the order in which they were set; strings escaped as fastjson does.
[[nodiscard]] std::string write(const Value& value, IntegerKeys integer_keys = IntegerKeys::bare);
/// Tab-indented text as Java writes `config/*.json`: a member a line, but maps with number keys and arrays within one line.
[[nodiscard]] std::string write_pretty(const Value& value);
/// Appends `text` quoted and escaped.
void append_quoted(std::string& out, std::string_view text);

}  // namespace skylark::json
