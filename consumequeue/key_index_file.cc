// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/key_index_file.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/message.h"

namespace skylark::consumequeue {
namespace {

constexpr std::int64_t kEntrySize = 20;
constexpr std::int64_t kAllocationStep = 1 << 20;

KeyIndexFile::Entry decode(const char* at) {
  return {load_be<std::int32_t>(at), load_be<std::int32_t>(at + 12), load_be<std::int32_t>(at + 16), load_be<std::int64_t>(at + 4)};
}

}  // namespace

std::int32_t index_key_hash(std::string_view topic, std::string_view key) { return index_key_hash(index_topic_hash(topic), key); }

std::int32_t index_topic_hash(std::string_view topic) { return java_string_hash("#", java_string_hash(topic)); }

std::int32_t index_key_hash(std::int32_t topic_hash, std::string_view key) {
  const std::int32_t hash = java_string_hash(key, topic_hash);
  return hash == std::numeric_limits<std::int32_t>::min() ? 0 : std::abs(hash);
}

KeyIndexFile::KeyIndexFile(std::unique_ptr<MappedFile> file, IndexGeometry geometry) : file_(std::move(file)), geometry_(geometry) {
  ByteReader reader(file_->view(0, 40));
  header_.begin_timestamp = reader.read<std::int64_t>();
  header_.end_timestamp = reader.read<std::int64_t>();
  header_.begin_offset = reader.read<std::int64_t>();
  header_.end_offset = reader.read<std::int64_t>();
  header_.slots_used = reader.read<std::int32_t>();
  header_.next_entry = std::clamp(reader.read<std::int32_t>(), 1, geometry_.entries);
}

Result<void> KeyIndexFile::format(const Header& previous) {
  const std::int64_t entries = entry_at(0);
  const auto allocated = file_->allocate(0, std::min(entries + kAllocationStep, file_->size_bytes()));
  if (!allocated) return allocated;
  allocated_ = std::min(entries + kAllocationStep, file_->size_bytes());
  header_ = {};
  header_.begin_timestamp = header_.end_timestamp = previous.end_timestamp;
  header_.begin_offset = header_.end_offset = previous.end_offset;
  write_header();
  return {};
}

Result<void> KeyIndexFile::put(std::int32_t key_hash, std::int64_t physical_offset, std::int64_t store_timestamp) {
  if (full()) return Errc::out_of_range;
  const std::int64_t at = entry_at(header_.next_entry);
  if (allocated_ == 0) {  // Opened, not made by us: Java's files are sparse in their slots too.
    const auto slots = file_->allocate(0, entry_at(0));
    if (!slots) return slots;
    allocated_ = at;
  }
  if (at + kEntrySize > allocated_) {
    const std::int64_t until = std::min(at + kAllocationStep, file_->size_bytes());
    const auto more = file_->allocate(at, until - at);
    if (!more) return more;
    allocated_ = until;
  }

  const bool first = empty();
  if (first) {
    header_.begin_offset = physical_offset;
    header_.begin_timestamp = store_timestamp;
  }
  const std::int32_t slot = key_hash % geometry_.slots;
  auto previous = load_be<std::int32_t>(file_->view(slot_at(slot), 4).data());
  if (previous <= 0 || previous >= header_.next_entry) previous = 0;
  const std::int64_t difference_s = header_.begin_timestamp <= 0 ? 0 : (store_timestamp - header_.begin_timestamp) / 1000;

  std::array<char, kEntrySize> entry{};
  store_be(entry.data(), key_hash);
  store_be(entry.data() + 4, physical_offset);
  store_be(entry.data() + 12,
           static_cast<std::int32_t>(std::clamp<std::int64_t>(difference_s, 0, std::numeric_limits<std::int32_t>::max())));
  store_be(entry.data() + 16, previous);
  file_->write(at, {entry.data(), entry.size()});
  std::array<char, 4> number{};
  store_be(number.data(), header_.next_entry);
  file_->write(slot_at(slot), {number.data(), number.size()});  // After the entry: a reader of a killed broker's file follows slots.

  if (previous == 0) ++header_.slots_used;
  ++header_.next_entry;
  header_.end_offset = physical_offset;
  header_.end_timestamp = store_timestamp;
  write_header();
  return {};
}

Result<bool> KeyIndexFile::cut_back(std::int64_t physical_offset, std::int32_t durable_entries) {
  constexpr std::int32_t kEntriesPerRead = 50'000;
  std::vector<std::int32_t> slots(static_cast<std::size_t>(geometry_.slots), 0);
  const auto slot_of = [&](const Entry& entry) -> std::int32_t& {
    return slots[static_cast<std::size_t>(entry.key_hash % geometry_.slots)];
  };
  std::int32_t next = 1;
  std::int64_t last_offset = header_.begin_offset;
  bool reached = false;  // A record of a time when everything before it was whole.
  std::string bytes;
  for (bool sound = true; sound && next < header_.next_entry;) {
    const std::int32_t count = std::min(kEntriesPerRead, header_.next_entry - next);
    bytes.resize(static_cast<std::size_t>(count * kEntrySize));
    const auto got = file_->read_at(entry_at(next), bytes.data(), bytes.size());
    if (!got) return {boost::system::in_place_error, got.error()};
    if (*got != bytes.size()) return Errc::io_error;
    for (std::size_t at = 0; at < bytes.size(); at += kEntrySize) {
      const Entry entry = decode(bytes.data() + at);
      // A page that was lost is zeros: offsets fall back, or the chain does not lead to the entry before it in its slot.
      sound = entry.key_hash >= 0 && entry.time_difference_s >= 0 && entry.physical_offset >= last_offset &&
              entry.physical_offset < physical_offset && entry.previous == slot_of(entry);
      reached = reached || entry.physical_offset >= physical_offset;
      if (!sound) break;
      last_offset = entry.physical_offset;
      slot_of(entry) = next++;
    }
  }
  const bool whole = durable_entries > 0 && (reached || next >= durable_entries);
  for (; !whole && next > 1 && entry(next - 1).physical_offset == last_offset; --next) {
    const Entry dropped = entry(next - 1);
    slot_of(dropped) = dropped.previous;
  }

  const auto allocated = file_->allocate(0, entry_at(0));  // A kill may have come between making the file and giving it space.
  if (!allocated) return {boost::system::in_place_error, allocated.error()};
  bytes.resize(slots.size() * 4);
  const auto got = file_->read_at(slot_at(0), bytes.data(), bytes.size());
  if (!got) return {boost::system::in_place_error, got.error()};
  if (*got != bytes.size()) return Errc::io_error;
  header_.slots_used = 0;
  for (std::int32_t slot = 0; slot < geometry_.slots; ++slot) {
    const std::int32_t number = slots[static_cast<std::size_t>(slot)];
    if (number != 0) ++header_.slots_used;
    if (load_be<std::int32_t>(bytes.data() + std::size_t{4} * static_cast<std::size_t>(slot)) == number) continue;
    std::array<char, 4> text{};
    store_be(text.data(), number);
    file_->write(slot_at(slot), {text.data(), text.size()});
  }
  const auto ended = end_before(next);
  if (!ended) return {boost::system::in_place_error, ended.error()};
  return whole;
}

Result<bool> KeyIndexFile::truncate(std::int64_t physical_offset) {
  const auto take_back = [this](const Entry& entry, std::int32_t number) {
    if (entry.key_hash < 0 || entry.previous < 0 || entry.previous >= number) return false;
    const std::int32_t slot = entry.key_hash % geometry_.slots;
    if (newest_of_slot(slot) != number) return false;
    std::array<char, 4> text{};
    store_be(text.data(), entry.previous);
    file_->write(slot_at(slot), {text.data(), text.size()});
    return true;
  };
  const auto slots = file_->allocate(0, entry_at(0));  // Java's files are sparse.
  if (!slots) return {boost::system::in_place_error, slots.error()};
  std::int32_t next = header_.next_entry;
  // A kill between the slot and the header: the slot leads to an entry that does not count. Otherwise that place is empty.
  if (!full() && entry(next).physical_offset > 0) (void)take_back(entry(next), next);
  for (; next > 1 && entry(next - 1).physical_offset >= physical_offset; --next) {
    const Entry last = entry(next - 1);
    if (!take_back(last, next - 1)) return false;
    if (last.previous == 0) --header_.slots_used;
  }
  const auto ended = end_before(next);
  if (!ended) return {boost::system::in_place_error, ended.error()};
  return true;
}

/// Lets the file end before that entry; nothing of what follows stays.
Result<void> KeyIndexFile::end_before(std::int32_t next) {
  header_.next_entry = next;
  if (next > 1) {
    const Entry last = entry(next - 1);
    header_.end_offset = last.physical_offset;
    header_.end_timestamp = std::min(header_.end_timestamp, header_.begin_timestamp + std::int64_t{last.time_difference_s} * 1000 + 999);
  }
  write_header();
  allocated_ = 0;
  return file_->clear_from(entry_at(next));
}

void KeyIndexFile::write_header() {
  std::array<char, 40> bytes{};
  store_be(bytes.data(), header_.begin_timestamp);
  store_be(bytes.data() + 8, header_.end_timestamp);
  store_be(bytes.data() + 16, header_.begin_offset);
  store_be(bytes.data() + 24, header_.end_offset);
  store_be(bytes.data() + 32, header_.slots_used);
  store_be(bytes.data() + 36, header_.next_entry);
  file_->write(0, {bytes.data(), bytes.size()});
}

KeyIndexFile::Entry KeyIndexFile::entry(std::int32_t number) const { return decode(file_->view(entry_at(number), kEntrySize).data()); }

std::int32_t KeyIndexFile::newest_of_slot(std::int32_t slot) const { return load_be<std::int32_t>(file_->view(slot_at(slot), 4).data()); }

bool KeyIndexFile::overlaps(std::int64_t begin_ms, std::int64_t end_ms) const noexcept {
  return !empty() && begin_ms <= header_.end_timestamp && end_ms >= header_.begin_timestamp;
}

void KeyIndexFile::query(std::int32_t key_hash, std::int64_t begin_ms, std::int64_t end_ms, std::size_t count_max,
                         std::vector<std::int64_t>& into) const {
  auto number = load_be<std::int32_t>(file_->view(slot_at(key_hash % geometry_.slots), 4).data());
  while (into.size() < count_max && number > 0 && number < header_.next_entry) {
    const Entry entry = decode(file_->view(entry_at(number), kEntrySize).data());
    if (entry.time_difference_s < 0) return;
    // Entries keep whole seconds: a time is known to within one, and the caller checks the record itself.
    const std::int64_t time = header_.begin_timestamp + std::int64_t{entry.time_difference_s} * 1000;
    if (time + 999 < begin_ms) return;  // Older ones follow.
    if (entry.key_hash == key_hash && time <= end_ms) into.push_back(entry.physical_offset);
    if (entry.previous >= number) return;  // Chains lead to smaller numbers; this one is damaged.
    number = entry.previous;
  }
}

}  // namespace skylark::consumequeue
