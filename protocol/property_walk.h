// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/detail/text_scan.h"

namespace skylark {

/// Calls `on_property(name, value)` for each property of the string in order, in one pass and without copying. What is no property
/// (shorter than 3 characters, without 0x01, an empty name or value) is passed over, as by `find_property`.
template <class OnProperty>
void for_each_property(std::string_view properties, OnProperty on_property) {
  constexpr char kNameEnd = '\x01', kPropertyEnd = '\x02';
  const char* const end = properties.data() + properties.size();
  for (const char* begin = properties.data(); begin != end;) {
    const char* const name_end = detail::find_either<kNameEnd, kPropertyEnd>(begin, end);
    const char* const value_end =
        name_end == end || *name_end == kPropertyEnd ? name_end : detail::find_either<kPropertyEnd>(name_end + 1, end);
    if (name_end != begin && value_end - name_end > 1) {
      on_property(std::string_view(begin, name_end), std::string_view(name_end + 1, value_end));
    }
    begin = value_end == end ? end : value_end + 1;
  }
}

}  // namespace skylark
