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
    std::memcpy(buffer_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  void put_number(std::int64_t value) {
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
  /// As `json::append_quoted`.
  void put_quoted(std::string_view text) {
    if (find_json_escape(text.data(), text.data() + text.size()) != text.data() + text.size()) {
      finish();
      return json::append_quoted(out_, text);
    }
    put('"');
    put(text);
    put('"');
  }
  void finish() {
    out_.append(buffer_.data(), used_);
    used_ = 0;
  }

 private:
  static constexpr std::size_t kSize = 1024;  // Most headers fit.
  static constexpr std::size_t kDigitsMax = 24;
  std::string& out_;
  std::size_t used_ = 0;
  std::array<char, kSize> buffer_;  // Not initialized: only what was put is read.
};

}  // namespace skylark::detail
