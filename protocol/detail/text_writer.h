// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
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
    if (kSize - used_ < kDigitsMax) finish();
    const auto [end, error] = std::to_chars(buffer_.data() + used_, buffer_.data() + kSize, value);
    used_ = static_cast<std::size_t>(end - buffer_.data());
  }
  template <class T>
  void put_be(T value) {
    if (kSize - used_ < sizeof value) finish();
    store_be(buffer_.data() + used_, value);
    used_ += sizeof value;
  }
  /// Both counted, as in ROCKETMQ headers.
  void put_entry(std::string_view name, std::string_view value) {
    if (sizeof(std::int16_t) + sizeof(std::int32_t) + name.size() + value.size() > kSize - used_) {
      put_be(static_cast<std::int16_t>(name.size()));
      put(name);
      put_be(static_cast<std::int32_t>(value.size()));
      return put(value);
    }
    char* at = buffer_.data() + used_;  // One look at the room for all four.
    store_be(at, static_cast<std::int16_t>(name.size()));
    copy(name, at += sizeof(std::int16_t));
    store_be(at += name.size(), static_cast<std::int32_t>(value.size()));
    copy(value, at += sizeof(std::int32_t));
    used_ = static_cast<std::size_t>(at + value.size() - buffer_.data());
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

  static constexpr std::size_t kSize = 1024;  // Most headers fit.
  static constexpr std::size_t kDigitsMax = 24;
  std::string& out_;
  std::size_t used_ = 0;
  std::array<char, kSize> buffer_;  // Not initialized: only what was put counts.
};

}  // namespace skylark::detail
