// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "protocol/detail/text_scan.h"

namespace skylark {
namespace detail {

inline constexpr char kNameEnd = '\x01', kPropertyEnd = '\x02';

}  // namespace detail

/// Calls `on_property(name, value)` for each property of the string in order, in one pass and without copying. What is no property
/// (shorter than 3 characters, without 0x01, an empty name or value) is passed over, as by `find_property`.
template <class OnProperty>
void for_each_property(std::string_view properties, OnProperty on_property) {
  const char* const end = properties.data() + properties.size();
  for (const char* begin = properties.data(); begin != end;) {
    const char* const name_end = detail::find_either<detail::kNameEnd, detail::kPropertyEnd>(begin, end);
    const char* const value_end =
        name_end == end || *name_end == detail::kPropertyEnd ? name_end : detail::find_either<detail::kPropertyEnd>(name_end + 1, end);
    if (name_end != begin && value_end - name_end > 1) {
      on_property(std::string_view(begin, name_end), std::string_view(name_end + 1, value_end));
    }
    begin = value_end == end ? end : value_end + 1;
  }
}

/// The values of several properties, as `find_property` finds each, by one walk.
template <std::size_t kCount>
[[nodiscard]] std::array<std::optional<std::string_view>, kCount> find_properties(
    std::string_view properties, const std::array<std::string_view, kCount>& names) noexcept {
  std::array<std::optional<std::string_view>, kCount> found;
  const char* const end = properties.data() + properties.size();
  for (const char* begin = properties.data(); begin != end;) {
    const char* const piece_end = detail::find_either<detail::kPropertyEnd>(begin, end);
    const std::string_view piece(begin, piece_end);
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t size = names[i].size();
      if (piece.size() > size + 1 && piece[size] == detail::kNameEnd && piece.starts_with(names[i])) found[i] = piece.substr(size + 1);
    }
    begin = piece_end == end ? end : piece_end + 1;
  }
  return found;
}

}  // namespace skylark
