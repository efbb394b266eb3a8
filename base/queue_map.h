// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/page_allocator.h"
#include "base/same_text.h"

namespace skylark {

/// A value for each queue of each topic, made at the first look.
///
/// For tables that every message asks: the values lie in one array with what they are found by, so that a look-up among many topics waits
/// for memory twice, where a map of maps waits six times. The name of a topic is kept once.
/// Threads: none of its own.
template <class Value>
class QueueMap {
 public:
  /// Valid until the next call.
  [[nodiscard]] Value& at(std::string_view topic, std::int32_t queue_id) {
    const std::uint32_t hash = hash_of(topic, queue_id);
    if (!slots_.empty()) {
      Slot& found = place(hash, topic, queue_id);
      if (found.name != nullptr) return found.value;
    }
    if (++size_ * 4 > slots_.size() * 3) fill(std::exchange(slots_, Slots(slots_.empty() ? kSlotsMin : slots_.size() * 2)));
    const std::string& name = *names_.emplace(topic).first;
    Slot& added = place(hash, topic, queue_id);
    added = {name.data(), static_cast<std::uint32_t>(name.size()), hash, queue_id, Value{}};
    return added.value;
  }
  /// Null when there is none.
  [[nodiscard]] const Value* find(std::string_view topic, std::int32_t queue_id) const noexcept {
    if (slots_.empty()) return nullptr;
    const Slot& found = slots_[index_of(hash_of(topic, queue_id), topic, queue_id)];
    return found.name == nullptr ? nullptr : &found.value;
  }
  // For who knows ahead which ones will be looked for: asking memory for many at once, it waits once for all of them.
  /// Asks for the place of that queue. What `likely` wants.
  [[nodiscard]] std::uint32_t ask_for(std::string_view topic, std::int32_t queue_id) const noexcept {
    const std::uint32_t hash = hash_of(topic, queue_id);
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
    return hash;
  }
  /// Most likely the value of that queue, whose name is asked for and not compared.
  [[nodiscard]] const Value* likely(std::uint32_t hash, std::int32_t queue_id) const noexcept {
    if (slots_.empty()) return nullptr;
    for (std::size_t i = hash;; ++i) {
      const Slot& slot = slots_[i & (slots_.size() - 1)];
      if (slot.name == nullptr) return nullptr;
      if (slot.hash != hash || slot.queue_id != queue_id) continue;
      __builtin_prefetch(slot.name);
      return &slot.value;
    }
  }
  /// Removes one queue; the name of its topic stays until `forget`.
  void erase(std::string_view topic, std::int32_t queue_id) {
    if (slots_.empty()) return;
    const std::size_t mask = slots_.size() - 1;
    std::size_t gap = index_of(hash_of(topic, queue_id), topic, queue_id);
    if (slots_[gap].name == nullptr) return;
    --size_;
    // Those that follow in the row close up, or a look-up would end at the gap.
    for (std::size_t i = (gap + 1) & mask; slots_[i].name != nullptr; i = (i + 1) & mask) {
      if (((i - slots_[i].hash) & mask) < ((i - gap) & mask)) continue;
      slots_[gap] = std::move(slots_[i]);
      gap = i;
    }
    slots_[gap] = Slot{};
  }
  /// Lets go of the name of a topic that has no queue left.
  void forget(std::string_view topic) { names_.erase(std::string(topic)); }
  /// Removes the queues of a topic, whichever they are. A walk over all.
  void erase(std::string_view topic) {
    const auto name = names_.find(std::string(topic));
    if (name == names_.end()) return;
    for (Slot& slot : slots_) {
      if (slot.name != name->data()) continue;
      slot = Slot{};
      --size_;
    }
    names_.erase(name);
    fill(std::exchange(slots_, Slots(slots_.size())));
  }
  void clear() { *this = QueueMap(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Calls `visit(topic, queue id, value)` for each, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Slot& slot : slots_) {
      if (slot.name != nullptr) visit(slot.topic(), slot.queue_id, slot.value);
    }
  }

 private:
  struct Slot {
    const char* name = nullptr;  // In `names_`; null: free.
    std::uint32_t name_size = 0;
    std::uint32_t hash = 0;
    std::int32_t queue_id = 0;
    Value value{};

    [[nodiscard]] std::string_view topic() const noexcept { return {name, name_size}; }
  };
  using Slots = std::vector<Slot, PageAllocator<Slot>>;
  static constexpr std::size_t kSlotsMin = 16;  // A power of two, as all sizes of the array.

  [[nodiscard]] static std::uint32_t hash_of(std::string_view topic, std::int32_t queue_id) noexcept {
    constexpr std::uint32_t kSpread = 0x9E3779B9U;
    return static_cast<std::uint32_t>(std::hash<std::string_view>{}(topic)) + static_cast<std::uint32_t>(queue_id) * kSpread;
  }
  /// The slot of that queue, or the free one where it belongs. There always is a free one.
  [[nodiscard]] Slot& place(std::uint32_t hash, std::string_view topic, std::int32_t queue_id) noexcept {
    return slots_[index_of(hash, topic, queue_id)];
  }
  [[nodiscard]] std::size_t index_of(std::uint32_t hash, std::string_view topic, std::int32_t queue_id) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
      const Slot& slot = slots_[i];
      if (slot.name == nullptr || (slot.hash == hash && slot.queue_id == queue_id && same_text(slot.topic(), topic))) return i;
    }
  }
  void fill(Slots from) {
    for (Slot& slot : from) {
      if (slot.name != nullptr) place(slot.hash, slot.topic(), slot.queue_id) = std::move(slot);
    }
  }

  Slots slots_;
  std::size_t size_ = 0;
  std::unordered_set<std::string> names_;
};

}  // namespace skylark
