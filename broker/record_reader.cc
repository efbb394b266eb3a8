// SPDX-License-Identifier: Apache-2.0
#include "broker/record_reader.h"

#include "base/crc32.h"
#include "base/error.h"
#include "base/log.h"
#include "commitlog/mapped_file_queue.h"
#include "protocol/message.h"

namespace skylark::broker {
namespace {

constexpr std::int64_t kJustAppendedMax = 64 << 20;  // Bytes behind the end that stay in memory whatever else the machine does.
constexpr std::size_t kReportedMax = 1024;

bool whole(std::string_view bytes, std::int64_t physical_offset) {
  const auto record = decode_record(bytes);
  if (!record || record->physical_offset != physical_offset || record->total_size != static_cast<std::int64_t>(bytes.size())) return false;
  return record->body.empty() || crc32_31(record->body) == record->body_crc;
}

}  // namespace

bool RecordReader::just_appended(std::int64_t physical_offset) const noexcept {
  return physical_offset >= appended_from_ && log_.end() - physical_offset <= kJustAppendedMax;
}

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

RecordReader::Read RecordReader::record(std::int64_t physical_offset, std::int64_t size, bool may_wait) const {
  Read read = this->read(physical_offset, size, may_wait);
  if (read.outcome == Outcome::found && !just_appended(physical_offset) && !whole(read.slice.bytes, physical_offset)) {
    report_damage(physical_offset);
    read = {Outcome::damaged, {}};
  }
  return read;
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
