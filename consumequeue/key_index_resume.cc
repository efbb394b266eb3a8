// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "consumequeue/key_index.h"

namespace skylark::consumequeue {
namespace {

std::string_view name_of(const KeyIndexFile& file) {
  const std::string_view path = file.path();
  return path.substr(path.rfind('/') + 1);
}

/// Where the record of the last entry begins, by the entry: a kill may have torn the header.
std::int64_t last_offset(const KeyIndexFile& file) { return file.entry(file.header().next_entry - 1).physical_offset; }

}  // namespace

std::vector<IndexFileState> KeyIndex::state() const {
  const std::scoped_lock lock(mutex_);
  std::vector<IndexFileState> state;
  for (const auto& file : files_) state.push_back({std::string(name_of(*file)), file->header().next_entry, file->header().end_offset});
  return state;
}

/// How many files are there as they were, from the first one on. The last of them may have grown since, unless the stop was clean.
std::size_t KeyIndex::count_right(std::span<const IndexFileState> known, Left left) const {
  std::size_t right = 0;
  for (; right < known.size() && right < files_.size(); ++right) {
    const KeyIndexFile& file = *files_[right];
    const IndexFileState found{std::string(name_of(file)), file.header().next_entry, file.header().end_offset};
    if (found == known[right]) continue;
    const bool may_grow = left != Left::clean && right + 1 == known.size() && found.name == known[right].name;
    if (!may_grow || found.next_entry < known[right].next_entry) break;
  }
  return right;
}

Result<void> KeyIndex::remove_files_from(std::size_t count) {
  while (files_.size() > count) {  // The newest first: what a second crash leaves is still a row without a gap.
    const auto removed = system_.remove(files_.back()->path());
    if (!removed && removed.error() != Errc::not_found) return removed;
    files_.pop_back();
    new_names_ = true;
  }
  return {};
}

Result<std::int64_t> KeyIndex::resume(std::span<const IndexFileState> known, std::int64_t durable_offset, Left left,
                                      std::int64_t log_begin) {
  const std::scoped_lock lock(mutex_);
  while (known.size() > 1 && known.front().end_offset < log_begin && (files_.empty() || name_of(*files_.front()) != known.front().name))
    known = known.subspan(1);
  const std::size_t right = count_right(known, left);
  safe_count_ = files_.size();
  ends_whole_ = false;
  if (right < known.size()) {
    log::error("key index {}: {} is missing or damaged: it is made again, with what is behind it, from the commit log", folder_,
               known[right].name);
    const auto removed = remove_files_from(right);
    if (!removed) return removed.error();
    for (const IndexFileState& file : known.subspan(right)) {  // Those of another length were not opened.
      const auto gone = system_.remove(folder_ + "/" + file.name);
      if (!gone && gone.error() != Errc::not_found) return gone.error();
    }
    safe_count_ = right;
    return std::max<std::int64_t>(end_offset_locked(), 0);
  }
  if (left == Left::clean) return durable_offset;
  if (left == Left::killed) {
    const auto resumed = resume_after_kill(known.size(), durable_offset);
    if (!resumed) return resumed.error();
    if (*resumed) return durable_offset;
  }
  return resume_after_power_cut(known, durable_offset);
}

/// Keeps what proves to be right of records before `durable_offset`; usually the last file alone has others.
Result<std::int64_t> KeyIndex::resume_after_power_cut(std::span<const IndexFileState> known, std::int64_t durable_offset) {
  bool whole = true;
  for (std::size_t count = known.size();; --count) {
    const auto removed = remove_files_from(count);
    if (!removed) return removed.error();
    if (count == 0 || (count < known.size() && files_.back()->header().end_offset < durable_offset)) break;
    const auto cut = files_.back()->cut_back(durable_offset, known[count - 1].next_entry);
    if (!cut) return cut.error();
    whole = *cut;
    dirty_.push_back(files_.back());
    if (!whole || !files_.back()->empty()) break;
  }
  new_names_ = true;
  safe_count_ = files_.size();
  ends_whole_ = !files_.empty() && !files_.back()->empty();
  return whole ? durable_offset : std::max<std::int64_t>(end_offset_locked(), 0);
}

/// Takes back the record that was being entered. False when the last file contradicts itself.
Result<bool> KeyIndex::resume_after_kill(std::size_t known_count, std::int64_t durable_offset) {
  bool emptied = false;
  while (!files_.empty()) {
    KeyIndexFile& last = *files_.back();
    if (!last.empty()) {
      if (last_offset(last) < durable_offset) break;
      const auto cut = last.truncate(last_offset(last));
      if (!cut || !*cut) return cut;
    }
    if (!last.empty() || files_.size() <= known_count) break;
    emptied = true;  // The file before it may end within the same record.
    const auto removed = remove_files_from(files_.size() - 1);
    if (!removed) return {boost::system::in_place_error, removed.error()};
  }
  ends_whole_ = !emptied && !files_.empty() && !files_.back()->empty();
  safe_count_ = files_.size();
  for (std::size_t i = known_count > 0 ? known_count - 1 : 0; i < files_.size(); ++i) dirty_.push_back(files_[i]);
  new_names_ = true;
  return true;
}

Result<void> KeyIndex::truncate(std::int64_t physical_offset) {
  const std::scoped_lock lock(mutex_);
  while (!files_.empty()) {
    KeyIndexFile& last = *files_.back();
    if (!last.empty() && last_offset(last) < physical_offset) return {};
    const auto cut = last.truncate(physical_offset);
    if (!cut) return cut.error();
    if (!*cut) {
      const auto scanned = last.cut_back(physical_offset);
      if (!scanned) return scanned.error();
    }
    dirty_.push_back(files_.back());
    if (!last.empty()) return {};
    const auto removed = remove_files_from(files_.size() - 1);
    if (!removed) return removed;
  }
  return {};
}

}  // namespace skylark::consumequeue
