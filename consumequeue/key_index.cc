// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/key_index.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "protocol/property_walk.h"

namespace skylark::consumequeue {
namespace {

/// `yyyyMMddHHmmssSSS` in local time, as Java names its files.
std::string name_of(std::int64_t now_ms) {
  const std::time_t seconds = now_ms / 1000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &local);
  return fmt::format("{}{:03}", std::string_view(text, size), now_ms % 1000);
}

}  // namespace

KeyIndex::KeyIndex(FileSystem& system, Clock& clock, std::string folder, IndexGeometry geometry)
    : system_(system), clock_(clock), folder_(std::move(folder)), geometry_(geometry) {}

Result<void> KeyIndex::load(bool crashed, std::int64_t safe_timestamp) {
  const auto names = system_.list(folder_);
  if (!names) {
    if (names.error() == Errc::not_found) return {};
    return names.error();
  }
  const std::scoped_lock lock(mutex_);
  safe_timestamp_ = safe_timestamp;
  for (const std::string& name : *names) {
    const std::string path = folder_ + "/" + name;
    if (system_.is_folder(path)) continue;
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      log::warn("{} is not named like an index file and is left alone", path);
      continue;
    }
    last_name_ = std::max(last_name_, name);
    const auto size = system_.file_size(path);
    if (!size) return size.error();
    if (*size != geometry_.file_size() && *size != 0) {
      log::warn("{} has {} bytes, not the {} of {} slots and {} entries: its keys are not found", path, *size, geometry_.file_size(),
                geometry_.slots, geometry_.entries);
      continue;
    }
    if (*size == 0) {
      const auto removed = system_.remove(path);
      if (!removed) return removed;
      continue;
    }
    auto mapped = system_.map(path, *size, false);
    if (!mapped) return mapped.error();
    auto file = std::make_shared<KeyIndexFile>(std::move(*mapped), geometry_);
    const bool safe = !crashed || (file->full() && file->header().end_timestamp <= safe_timestamp);
    if (safe && safe_count_ == files_.size()) ++safe_count_;
    files_.push_back(std::move(file));
  }
  return {};
}

Result<void> KeyIndex::cut_back(std::int64_t physical_offset) {
  const std::scoped_lock lock(mutex_);
  while (files_.size() > safe_count_) {  // The newest first: what a second crash leaves is still a row without a gap.
    if (files_.size() == safe_count_ + 1) {
      const auto cut = files_.back()->cut_back(physical_offset);
      if (!cut) return cut.error();
      if (!files_.back()->empty()) {
        dirty_.push_back(files_.back());
        new_names_ = true;
        ends_whole_ = true;
        safe_count_ = files_.size();
        return {};
      }
    }
    const auto removed = system_.remove(files_.back()->path());
    if (!removed) return removed;
    files_.pop_back();
  }
  return {};
}

Result<void> KeyIndex::add(const MessageView& record, bool repeat_last) {
  const auto [unique, words] = find_properties<2>(record.properties, {property::kUniqueKey, property::kKeys});
  return add(record, {unique.value_or(""), words.value_or("")}, repeat_last);
}

Result<void> KeyIndex::add(const MessageView& record, const RecordKeys& keys, bool repeat_last) {
  const std::int32_t type = record.sys_flag & sys_flag::kTransactionMask;
  if (type == sys_flag::kTransactionRollback || (keys.unique.empty() && keys.words.empty())) return {};
  const std::scoped_lock lock(mutex_);
  const std::int64_t end = end_offset_locked();
  const bool again = record.physical_offset == unfinished_ || (repeat_last && !ends_whole_);
  if (record.physical_offset < end || (record.physical_offset == end && !again)) return {};

  unfinished_ = record.physical_offset;  // Until all is in: a disk may run full between two keys.
  const auto added = put_all(record, keys);
  if (added) unfinished_ = -1;
  return added;
}

Result<void> KeyIndex::put_all(const MessageView& record, const RecordKeys& keys) {
  const std::int32_t topic_hash = index_topic_hash(record.topic);
  if (!keys.unique.empty()) {
    const auto put_key = put(index_key_hash(topic_hash, keys.unique), record);
    if (!put_key) return put_key;
  }
  for (std::string_view words = keys.words; !words.empty();) {
    const std::size_t space = std::min(words.find(' '), words.size());
    const std::string_view key = words.substr(0, space);
    words.remove_prefix(std::min(space + 1, words.size()));
    if (key.empty()) continue;
    const auto put_key = put(index_key_hash(topic_hash, key), record);
    if (!put_key) return put_key;
  }
  return {};
}

Result<void> KeyIndex::put(std::int32_t key_hash, const MessageView& record) {
  if (files_.empty() || files_.back()->full()) {
    const auto added = add_file();
    if (!added) return added;
  }
  const auto put = files_.back()->put(key_hash, record.physical_offset, record.store_timestamp);
  if (put && (dirty_.empty() || dirty_.back() != files_.back())) dirty_.push_back(files_.back());
  return put;
}

Result<void> KeyIndex::add_file() {
  std::int64_t now_ms = clock_.now_ms();
  std::string name = name_of(now_ms);
  while (name <= last_name_) {  // Two within one millisecond, or a clock that was set back: names must keep the order of creation.
    if (name.substr(0, 8) < last_name_.substr(0, 8)) {
      name = last_name_;
      for (std::size_t digit = name.size(); digit-- > 0 && ++name[digit] > '9';) name[digit] = '0';
      break;
    }
    name = name_of(++now_ms);
  }
  const std::string path = folder_ + "/" + name;
  const auto made = system_.create_folders(folder_);
  if (!made) return made;
  auto mapped = system_.map(path, geometry_.file_size(), true);
  if (!mapped) return mapped.error();
  (*mapped)->advise_random();
  auto file = std::make_shared<KeyIndexFile>(std::move(*mapped), geometry_);
  const auto formatted = file->format(files_.empty() ? KeyIndexFile::Header{} : files_.back()->header());
  if (!formatted) {
    file.reset();
    (void)system_.remove(path);
    return formatted;
  }
  last_name_ = name;
  new_names_ = true;
  files_.push_back(std::move(file));
  return {};
}

std::int64_t KeyIndex::end_offset() const {
  const std::scoped_lock lock(mutex_);
  return end_offset_locked();
}

std::int64_t KeyIndex::end_offset_locked() const {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (!(*file)->empty()) return (*file)->header().end_offset;
  }
  return -1;
}

std::int64_t KeyIndex::end_timestamp() const {
  const std::scoped_lock lock(mutex_);
  return files_.empty() ? 0 : files_.back()->header().end_timestamp;
}

std::int64_t KeyIndex::safe_timestamp(std::int64_t flushed_physical_offset) {
  const std::scoped_lock lock(mutex_);
  for (; !full_and_durable_.empty() && full_and_durable_.front().end_offset < flushed_physical_offset; full_and_durable_.pop_front())
    safe_timestamp_ = std::max(safe_timestamp_, full_and_durable_.front().end_timestamp);
  return safe_timestamp_;
}

std::vector<std::int64_t> KeyIndex::query(std::string_view topic, std::string_view key, std::size_t count_max, std::int64_t begin_ms,
                                          std::int64_t end_ms) const {
  const std::int32_t hash = index_key_hash(topic, key);
  std::vector<std::int64_t> offsets;
  const std::scoped_lock lock(mutex_);
  for (auto file = files_.rbegin(); file != files_.rend() && offsets.size() < count_max; ++file) {
    if ((*file)->overlaps(begin_ms, end_ms)) (*file)->query(hash, begin_ms, end_ms, count_max, offsets);
    if (!(*file)->empty() && (*file)->header().begin_timestamp < begin_ms) break;
  }
  return offsets;
}

void KeyIndex::expire(std::int64_t min_physical_offset) {
  const std::scoped_lock lock(mutex_);
  while (files_.size() > 1 && files_.front()->header().end_offset < min_physical_offset) {
    const auto removed = system_.remove(files_.front()->path());
    if (!removed) {
      log::warn("cannot remove {}: {}", files_.front()->path(), removed.error().message());
      return;
    }
    files_.erase(files_.begin());
  }
}

Result<void> KeyIndex::flush() {
  std::vector<std::shared_ptr<KeyIndexFile>> dirty;
  bool names = false;
  {
    const std::scoped_lock lock(mutex_);
    dirty.swap(dirty_);
    names = std::exchange(new_names_, false);
  }
  if (names) {
    const auto synced = system_.sync_folder(folder_);
    if (!synced) return synced;
  }
  for (const auto& file : dirty) {
    const auto flushed = file->flush();
    if (!flushed && flushed.error() != Errc::not_found) return flushed;  // Not found: expired meanwhile.
    const std::scoped_lock lock(mutex_);
    if (file->full()) full_and_durable_.push_back(file->header());
  }
  return {};
}

}  // namespace skylark::consumequeue
