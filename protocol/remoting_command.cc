// SPDX-License-Identifier: Apache-2.0
#include "protocol/remoting_command.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace skylark {

const ExtFields::Entry* ExtFields::find(std::string_view name) const noexcept {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->name == name) return &*entry;
  }
  return nullptr;
}

std::optional<std::string> ExtFields::text(std::string_view name) const {
  const Entry* entry = find(name);
  if (entry == nullptr) return std::nullopt;
  switch (entry->kind) {
    case Kind::text: return std::string(entry->text);
    case Kind::integer: return std::to_string(entry->number);
    case Kind::boolean: return entry->number != 0 ? "true" : "false";
  }
  return std::nullopt;
}

std::optional<std::int64_t> ExtFields::integer(std::string_view name) const noexcept {
  const Entry* entry = find(name);
  if (entry == nullptr) return std::nullopt;
  if (entry->kind != Kind::text) return entry->number;
  std::int64_t value = 0;
  const char* end = entry->text.data() + entry->text.size();
  const auto [stop, error] = std::from_chars(entry->text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<bool> ExtFields::boolean(std::string_view name) const noexcept {
  const Entry* entry = find(name);
  if (entry == nullptr) return std::nullopt;
  if (entry->kind != Kind::text) return entry->number != 0;
  constexpr std::string_view kTrue = "true";
  return entry->text.size() == kTrue.size() &&
         std::equal(kTrue.begin(), kTrue.end(), entry->text.begin(), [](char a, char b) { return a == (b | 0x20); });
}

std::string_view ExtFields::keep(std::string_view text) {
  if (text.empty()) return {};
  char* copy = allocate(text.size());
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

char* ExtFields::allocate(std::size_t size) {
  if (scratch_ != nullptr) {
    if (char* const taken = scratch_->take(size); taken != nullptr) return taken;
  }
  kept_.push_back(std::make_unique_for_overwrite<char[]>(size));
  return kept_.back().get();
}

void ExtFields::own() {
  // One block for all that is still borrowed; what is owned already is copied again, which is rare and harmless.
  std::size_t size = 0;
  for (const Entry& entry : entries_) size += entry.name.size() + entry.text.size();
  if (size == 0) return;
  auto block = std::make_unique<char[]>(size);
  char* at = block.get();
  const auto move_in = [&at](std::string_view& text) {
    if (text.empty()) return;
    std::memcpy(at, text.data(), text.size());
    text = {at, text.size()};
    at += text.size();
  };
  for (Entry& entry : entries_) move_in(entry.name), move_in(entry.text);
  kept_.clear();
  kept_.push_back(std::move(block));
}

std::size_t Body::size() const noexcept {
  if (owned_) return owned_->size();
  if (slices_.empty()) return view_.size();
  std::size_t size = 0;
  for (const PinnedSlice& slice : slices_) size += slice.bytes.size();
  return size;
}

std::string Body::to_string() const {
  if (slices_.empty()) return std::string(view());
  std::string all;
  all.reserve(size());
  for (const PinnedSlice& slice : slices_) all.append(slice.bytes);
  return all;
}

void Body::own() {
  if (owned_ || !slices_.empty() || view_.empty()) return;
  owned_ = std::make_unique<std::string>(view_);
  view_ = {};
}

RemotingCommand make_response(const RemotingCommand& request, std::int32_t code, std::string remark) {
  RemotingCommand response;
  response.code = code;
  response.opaque = request.opaque;
  response.flag = kFlagResponse;
  response.remark = std::move(remark);
  response.codec = request.codec;
  return response;
}

}  // namespace skylark
