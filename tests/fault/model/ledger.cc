// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/model/ledger.h"

#include <algorithm>
#include <charconv>

namespace skylark::broker {

std::optional<std::int64_t> Ledger::number_of(std::string_view unique_key) {
  std::int64_t number = 0;
  if (!unique_key.starts_with('U')) return std::nullopt;
  const char* const end = unique_key.data() + unique_key.size();
  const auto [stop, error] = std::from_chars(unique_key.data() + 1, end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::int64_t Ledger::send(QueueId queue, std::uint32_t body_crc) {
  SentMessage message;
  message.queue = std::move(queue);
  message.body_crc = body_crc;
  messages_.emplace(next_, std::move(message));
  return next_++;
}

void Ledger::stored(std::int64_t number, const SentMessage& place) {
  SentMessage& message = messages_.at(number);
  message.queue_offset = place.queue_offset;
  message.physical_offset = place.physical_offset;
  message.record_end = place.record_end;
  message.store_timestamp = place.store_timestamp;
  message.delay_ms = place.delay_ms;
  message.flush_waited = place.flush_waited;
  message.fate = Fate::promised;
  queues_[message.queue][message.queue_offset] = number;
}

void Ledger::lose_unflushed(std::int64_t flushed_physical_offset) {
  for (auto& [id, queue] : queues_) {
    for (const auto& [offset, number] : queue) {
      SentMessage& message = messages_.at(number);
      if (!message.flush_waited && message.record_end > flushed_physical_offset) message.fate = Fate::doubtful;
    }
  }
}

void Ledger::delete_topic(std::string_view topic) {
  for (auto& [id, queue] : queues_) {
    if (id.topic != topic) continue;
    for (const auto& [offset, number] : queue) messages_.at(number).fate = Fate::deleted;
    queue.clear();
  }
  for (auto& [of, committed] : offsets_) {
    if (std::get<1>(of) == topic) committed.current = committed.persisted = -1;  // What is on disk may come back until the next write.
  }
}

void Ledger::expire(std::int64_t min_physical_offset) {
  for (auto& [id, queue] : queues_) {
    while (!queue.empty()) {
      SentMessage& first = messages_.at(queue.begin()->second);
      if (first.physical_offset >= min_physical_offset) break;
      first.fate = Fate::expired;
      queue.erase(queue.begin());
    }
  }
}

void Ledger::adopt(const QueueId& id, const std::vector<std::pair<std::int64_t, SentMessage>>& found) {
  Queue& queue = queues_[id];
  for (const auto& [offset, number] : queue) messages_.at(number).fate = Fate::refused;
  queue.clear();
  for (const auto& [number, place] : found) {
    const auto known = messages_.find(number);
    if (known == messages_.end() || known->second.queue != id) continue;
    if (known->second.fate == Fate::deleted || known->second.fate == Fate::expired) known->second.keys_expired = true;
    known->second.fate = Fate::promised;
    known->second.queue_offset = place.queue_offset;
    known->second.physical_offset = place.physical_offset;
    queue[place.queue_offset] = number;
  }
}

void Ledger::commit(const OffsetOf& of, std::int64_t offset) {
  Committed& committed = offsets_[of];
  committed.current = offset;
  committed.highest = std::max(committed.highest, offset);
}

void Ledger::offsets_persisted() {
  for (auto& [of, committed] : offsets_) committed.persisted = committed.current;
}

void Ledger::adopt_offset(const OffsetOf& of, std::int64_t offset) {
  offsets_[of] = {.highest = offset, .current = offset, .persisted = offset};
}

const SentMessage* Ledger::find(std::int64_t number) const {
  const auto found = messages_.find(number);
  return found == messages_.end() ? nullptr : &found->second;
}

}  // namespace skylark::broker
