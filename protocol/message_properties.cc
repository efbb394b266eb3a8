// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdint>
#include <cstring>

#include "protocol/message.h"
#include "protocol/property_walk.h"

namespace skylark {
namespace {

using detail::kNameEnd;
using detail::kPropertyEnd;

struct Piece {
  std::string_view whole;  ///< Without its end mark.
  std::string_view name;
  std::string_view value;
  bool valid = false;
};

/// Takes the next piece off the front of the string.
Piece take_piece(std::string_view& properties) noexcept {
  Piece piece;
  const std::size_t end = properties.find(kPropertyEnd);
  piece.whole = properties.substr(0, end);
  properties.remove_prefix(end == std::string_view::npos ? properties.size() : end + 1);
  const std::size_t name_end = piece.whole.find(kNameEnd);
  if (piece.whole.size() < 3 || name_end == std::string_view::npos || name_end == 0 || name_end + 1 == piece.whole.size()) return piece;
  piece.name = piece.whole.substr(0, name_end);
  piece.value = piece.whole.substr(name_end + 1);
  piece.valid = true;
  return piece;
}

}  // namespace

std::optional<std::string_view> find_property(std::string_view properties, std::string_view name) noexcept {
  return find_properties<1>(properties, {name}).front();
}

std::vector<std::pair<std::string_view, std::string_view>> parse_properties(std::string_view properties) {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  while (!properties.empty()) {
    const Piece piece = take_piece(properties);
    if (piece.valid) all.emplace_back(piece.name, piece.value);
  }
  return all;
}

void append_property(std::string& properties, std::string_view name, std::string_view value) {
  if (!properties.empty() && properties.back() != kPropertyEnd) properties += kPropertyEnd;
  properties += name;
  properties += kNameEnd;
  properties += value;
  properties += kPropertyEnd;
}

std::string remove_property(std::string_view properties, std::string_view name) {
  std::string kept;
  kept.reserve(properties.size());
  while (!properties.empty()) {
    const Piece piece = take_piece(properties);
    if (piece.valid && piece.name == name) continue;
    kept += piece.whole;
    kept += kPropertyEnd;
  }
  return kept;
}

std::optional<std::int32_t> inner_batch_count(std::string_view properties) noexcept {
  const auto text = find_property(properties, property::kInnerNumber);
  if (!text) return 1;
  std::int16_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (error != std::errc() || end != text->data() + text->size() || count < 1) return std::nullopt;
  return count;
}

void set_property(std::string& properties, std::string_view name, std::string_view value) {
  if (find_property(properties, name)) properties = remove_property(properties, name);
  append_property(properties, name, value);
}

}  // namespace skylark
