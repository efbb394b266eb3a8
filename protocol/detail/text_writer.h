// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "protocol/detail/decimal.h"
#include "protocol/detail/text_scan.h"
#include "protocol/json.h"

namespace skylark::detail {

/// Collects the many small pieces of a header on the stack and appends them to a string at once: growing a string by a piece costs more
/// than the piece. Call `finish` behind the last one.
class TextWriter {
 public:
  explicit TextWriter(std::string& out) noexcept : out_(out) {}
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;

  void put(char c) {
    if (used_ == kSize) finish();
    buffer_[used_++] = c;
  }
  void put(std::string_view text) {
    if (text.size() > kSize - used_) {
      finish();
      if (text.size() > kSize) return void(out_.append(text));
    }
    copy(text, buffer_.data() + used_);
    used_ += text.size();
  }
  void put_number(std::int64_t value) {
    if (value >= 0 && value <= 9) return put(static_cast<char>('0' + value));  // Half of all.
    if (kSize - used_ < kDecimalSizeMax) finish();
    move_to(Decimal(value).write(buffer_.data() + used_));
  }
  template <class T>
  void put_be(T value) {
    if (kSize - used_ < sizeof value) finish();
    store_be(buffer_.data() + used_, value);
    used_ += sizeof value;
  }
  /// Both counted, as in ROCKETMQ headers.
  void put_entry(std::string_view name, std::string_view value) {
    if (char* const at = put_entry_head(name, value.size()); at != nullptr) {
      copy(value, at);
      return move_to(at + value.size());
    }
    put_be(static_cast<std::int16_t>(name.size()));
    put(name);
    put_be(static_cast<std::int32_t>(value.size()));
    put(value);
  }
  void put_entry(std::string_view name, std::int64_t value) {
    const Decimal number(value);
    if (char* const at = put_entry_head(name, number.size()); at != nullptr) return move_to(number.write(at));
    put_be(static_cast<std::int16_t>(name.size()));
    put(name);
    put_be(static_cast<std::int32_t>(number.size()));
    put_number(value);
  }
  /// As `json::append_quoted`.
  void put_quoted(std::string_view text) {
    if (text.size() + 2 > kSize - used_) finish();
    if (text.size() + 2 <= kSize) {
      char* const begin = buffer_.data() + used_;
      *begin = '"';
      if (copy_plain_json(text, begin + 1)) {
        begin[1 + text.size()] = '"';
        used_ += text.size() + 2;
        return;
      }
      finish();
    }
    json::append_quoted(out_, text);
  }
  /// `before`, then name and text quoted, with a colon between them.
  void put_json_field(char before, std::string_view name, std::string_view text) {
    if (name.size() + text.size() + kJsonFieldMarks <= kSize - used_) {  // One look at the room for all.
      char* at = buffer_.data() + used_;
      bool plain = put_json_name(before, name, at);
      *at++ = '"';
      plain &= copy_plain_json(text, at);
      at += text.size();
      *at++ = '"';
      if (plain) return move_to(at);
    }
    put(before);
    put_quoted(name);
    put(':');
    put_quoted(text);
  }
  void put_json_field(char before, std::string_view name, std::int64_t number) {
    if (name.size() + kDecimalSizeMax + kJsonFieldMarks <= kSize - used_) {
      char* at = buffer_.data() + used_;
      const bool plain = put_json_name(before, name, at);
      *at++ = '"';
      at = Decimal(number).write(at);
      *at++ = '"';
      if (plain) return move_to(at);
    }
    put(before);
    put_quoted(name);
    put(":\"");
    put_number(number);
    put('"');
  }
  void finish() {
    out_.append(buffer_.data(), used_);
    used_ = 0;
  }

 private:
  /// Most pieces are short: a call to copy them costs more than two words that overlap.
  static void copy(std::string_view text, char* to) noexcept {
    const auto both_ends = [&]<class Word>(Word) {
      std::memcpy(to, text.data(), sizeof(Word));
      std::memcpy(to + text.size() - sizeof(Word), text.data() + text.size() - sizeof(Word), sizeof(Word));
    };
    if (text.size() > 16) return void(std::memcpy(to, text.data(), text.size()));
    if (text.size() >= 8) return both_ends(std::uint64_t{});
    if (text.size() >= 4) return both_ends(std::uint32_t{});
    if (text.size() >= 2) return both_ends(std::uint16_t{});
    if (!text.empty()) *to = text[0];
  }

  /// Writes the name and the size of the value and says where the value goes: one look at the room for all four. Null when it is too small.
  char* put_entry_head(std::string_view name, std::size_t value_size) noexcept {
    if (sizeof(std::int16_t) + sizeof(std::int32_t) + name.size() + value_size > kSize - used_) return nullptr;
    char* at = buffer_.data() + used_;
    store_be(at, static_cast<std::int16_t>(name.size()));
    copy(name, at += sizeof(std::int16_t));
    store_be(at += name.size(), static_cast<std::int32_t>(value_size));
    return at + sizeof(std::int32_t);
  }
  void move_to(const char* at) noexcept { used_ = static_cast<std::size_t>(at - buffer_.data()); }
  /// Writes `before`, the quoted name and a colon, and moves `at` behind; false when the name needs escapes.
  static bool put_json_name(char before, std::string_view name, char*& at) noexcept {
    *at++ = before;
    *at++ = '"';
    const bool plain = copy_plain_json(name, at);
    at += name.size();
    *at++ = '"';
    *at++ = ':';
    return plain;
  }

  static constexpr std::size_t kSize = 1024;         // Most headers fit.
  static constexpr std::size_t kJsonFieldMarks = 6;  // A separator, a colon, four quotes.
  std::string& out_;
  std::size_t used_ = 0;
  std::array<char, kSize> buffer_;  // Not initialized: only what was put counts.
};

}  // namespace skylark::detail
