// SPDX-License-Identifier: Apache-2.0
// A queue that is taken as it was, or made again.
#include <algorithm>

#include "base/error.h"
#include "consumequeue/consume_queue.h"

namespace skylark::consumequeue {

QueueState ConsumeQueue::state() const {
  const std::scoped_lock lock(mutex_);
  QueueState state{.min_unit = min_, .units = units(), .max_offset = next_offset(), .max_physical_offset = max_physical_};
  const auto count = static_cast<std::int64_t>(files_.count());
  state.first_base = std::max<std::int64_t>(files_.begin(), 0);
  const bool row = count == 0 || files_.end() == state.first_base + count * files_.file_size();
  state.file_count = row ? static_cast<std::int32_t>(count) : -1;
  return state;
}

bool ConsumeQueue::assume(const QueueState& state) {
  const std::scoped_lock lock(mutex_);
  const std::int64_t size = files_.file_size();
  const std::int64_t end = state.units * unit_size_;
  if (state.first_base < 0 || state.file_count < 0 || size % unit_size_ != 0 || state.first_base % size != 0) return false;
  if (state.min_unit < 0 || state.min_unit > state.units || end < state.first_base) return false;
  if (end > state.first_base + state.file_count * size) return false;
  files_.assume(state.first_base, state.file_count);
  end_ = end;
  min_ = state.min_unit;
  max_physical_ = state.max_physical_offset;
  after_assume(state.max_offset);
  return true;
}

Result<void> ConsumeQueue::cut_back(const QueueState& state) {
  const std::scoped_lock lock(mutex_);
  if (units() <= state.units || state.units * unit_size_ < files_.begin()) return {};
  before_cut(state.units);
  const auto cut_off = cut(state.units * unit_size_);
  if (!cut_off) return cut_off;
  max_physical_ = state.max_physical_offset;
  min_ = std::min(min_, state.units);
  files_.unmap();
  return {};
}

bool ConsumeQueue::ends_as_assumed() {
  const std::scoped_lock lock(mutex_);
  if (files_.empty()) return true;
  if (!files_.find(files_.end() - 1)) return false;
  bool right = true;
  if (end_ > files_.begin()) {
    const auto entry = unit(units() - 1);
    right = entry && valid_unit(*entry) && (entry->blank() || entry->physical_offset + entry->size == max_physical_);
  }
  files_.unmap();
  return right;
}

Result<void> ConsumeQueue::clear_behind_end() {
  const std::scoped_lock lock(mutex_);
  if (files_.empty()) return {};
  const auto cleared = cut(end_);
  files_.unmap();
  return cleared;
}

Result<void> ConsumeQueue::start_over() {
  const std::scoped_lock lock(mutex_);
  last_ = {};
  files_.assume(0, 0);
  end_ = min_ = 0;
  max_physical_ = dirty_from_ = -1;
  new_names_ = true;
  ++cuts_;
  after_assume(0);
  const auto extensions = destroy_extensions();
  if (!extensions) return extensions;
  const auto names = system_.list(files_.folder());
  if (!names) return names.error() == Errc::not_found ? Result<void>() : names.error();
  for (const std::string& name : *names) {
    const std::string path = files_.folder() + "/" + name;
    if (name.find_first_not_of("0123456789") != std::string::npos || system_.is_folder(path)) continue;
    const auto removed = system_.remove(path);
    if (!removed) return removed;
  }
  return {};
}

}  // namespace skylark::consumequeue
