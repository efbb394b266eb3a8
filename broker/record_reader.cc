// SPDX-License-Identifier: Apache-2.0
#include "broker/record_reader.h"

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "commitlog/mapped_file_queue.h"
#include "commitlog/record_search.h"

namespace skylark::broker {
namespace {

constexpr std::size_t kReportedMax = 1024;

}  // namespace

RecordReader::Read RecordReader::read(std::int64_t physical_offset, std::int64_t size, bool may_wait) const {
  Read read;
  if (just_appended(physical_offset) || log_.resident(physical_offset, size)) {
    auto slice = log_.view(physical_offset, size);
    if (slice) read = {Outcome::found, std::move(*slice)};
    return read;
  }
  if (!may_wait) {
    read.outcome = Outcome::on_disk;
    return read;
  }
  auto slice = log_.read(physical_offset, size);
  if (slice)
    read = {Outcome::found, std::move(*slice)};
  else if (slice.error() != Errc::out_of_range && physical_offset >= log_.begin())  // Else retention took it meanwhile.
    read.outcome = Outcome::failed;
  return read;
}

RecordReader::Read RecordReader::record(std::int64_t physical_offset, std::int64_t size) const {
  Read read = this->read(physical_offset, size, true);
  if (read.outcome != Outcome::found || just_appended(physical_offset)) return read;
  return checked(std::move(read), physical_offset, nullptr);
}

RecordReader::Read RecordReader::listed(std::int64_t physical_offset, std::int64_t size, bool may_wait,
                                        const consumequeue::QueuePlace& place, Recent& recent) const {
  recent = this->recent(physical_offset);
  Read read = recent.holds(physical_offset, size) ? Read{Outcome::found, {recent.record(physical_offset, size), recent.slice.pin}}
                                                  : this->read(physical_offset, size, may_wait);
  if (read.outcome == Outcome::found) read = checked(std::move(read), physical_offset, &place);
  if (read.outcome != Outcome::found) recent = {};
  return read;
}

RecordReader::Read RecordReader::checked(Read found, std::int64_t physical_offset, const consumequeue::QueuePlace* place) const {
  const auto record = consumequeue::claimed_record(found.slice.bytes, physical_offset);
  if (!just_appended(physical_offset) && !(record && commitlog::body_is_whole(*record))) {
    report_damage(physical_offset);
    return {Outcome::damaged, {}};
  }
  if (place == nullptr || (record && consumequeue::belongs(*record, *place))) return found;
  return {Outcome::foreign, {}};
}

RecordReader::Recent RecordReader::recent(std::int64_t physical_offset) const {
  auto slice = just_appended(physical_offset) ? log_.view_some(physical_offset, log_.file_size(), log_.end()) : std::nullopt;
  return slice ? Recent{physical_offset, std::move(*slice)} : Recent();
}

std::optional<PinnedSlice> RecordReader::head(std::int64_t physical_offset, std::int64_t size) const {
  Read read = this->read(physical_offset, size, true);
  if (read.outcome != Outcome::found) return std::nullopt;
  return std::move(read.slice);
}

void RecordReader::report_damage(std::int64_t physical_offset) const {
  const std::scoped_lock lock(mutex_);
  if (reported_.size() >= kReportedMax) reported_.clear();
  if (!reported_.insert(physical_offset).second) return;
  const std::int64_t position = physical_offset % log_.file_size();
  log::error("the record at {} of commit log file {} (offset {}) is damaged: readers do not get it", position,
             commitlog::mapped_file_name(physical_offset - position), physical_offset);
}

}  // namespace skylark::broker
