// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/remoting_command.h"

namespace skylark::bench {

/// Place of one number in an encoded frame, and how it is written there.
struct NumberPatch {
  enum class Form { decimal, big_endian, little_endian };
  std::size_t position = 0;
  std::size_t width = 0;  ///< Bytes: 10 digits with leading zeros, or 4.
  Form form = Form::decimal;

  /// Overwrites the number in a copy of the frame. `value` is 0 to 2,147,483,647, and as a JSON number at least 1,000,000,000.
  void write(char* frame, std::int32_t value) const noexcept;
};

/// Smallest opaque with the ten digits that JSON needs (no leading zeros in a number there).
inline constexpr std::int32_t kOpaqueBase = 1'000'000'000;

/// Finds a number in what `encode` makes: it is encoded with two values that differ in every digit and byte, and the difference
/// between the frames is the place. Nothing when the codec does not write the number at a fixed place.
[[nodiscard]] std::optional<NumberPatch> locate_number(const std::function<std::string(std::int32_t)>& encode);

/// The two fields of an answer that a load generator looks at.
struct Answer {
  std::int32_t code = 0;
  std::int32_t opaque = 0;
};

/// Reads code and opaque out of a frame without its length word, without decoding the rest where the codec allows.
/// Nothing when it is not a response.
[[nodiscard]] std::optional<Answer> peek_answer(std::string_view frame);

}  // namespace skylark::bench
