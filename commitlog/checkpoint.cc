// SPDX-License-Identifier: Apache-2.0
#include "commitlog/checkpoint.h"

#include <string_view>

#include "base/bytes.h"
#include "base/crc32.h"
#include "base/error.h"
#include "base/log.h"

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kFileSize = 4096;                     // One page, StoreCheckpoint.java.
constexpr std::int64_t kTimestampMax = 100'000'000'000'000;  // The year 5138; a larger value is garbage.

constexpr std::int64_t kMarkAt = 64;  // In the sector of Java's values, so that a power cut keeps both or neither.
constexpr std::int64_t kMarkSize = 28;
constexpr std::int64_t kValuesSize = 40;
constexpr std::string_view kMarkMagic = "SKYLARK1";

std::string encode(const CheckpointValues& values) {
  std::string bytes;
  for (const std::int64_t value :
       {values.log_timestamp, values.queues_timestamp, values.index_timestamp, values.master_flushed_offset, values.confirm_offset}) {
    append_be(bytes, value);
  }
  return bytes;
}

/// The mark with its checksum, `kMarkSize` bytes. `values`: Java's, as they stand in the file.
std::string encode(const DurableMark& mark, std::string_view values) {
  std::string bytes(kMarkMagic);
  append_be(bytes, mark.offset);
  append_be(bytes, mark.lock_modified_ms);
  append_be(bytes, crc32_31(std::string(values) + bytes));
  return bytes;
}

std::optional<DurableMark> decode_mark(std::string_view bytes, std::string_view values) {
  ByteReader reader(bytes.substr(kMarkMagic.size()));
  DurableMark mark;
  mark.offset = reader.read<std::int64_t>();
  mark.lock_modified_ms = reader.read<std::int64_t>();
  if (mark.offset < 0 || encode(mark, values) != bytes) return std::nullopt;
  return mark;
}

bool plausible(const CheckpointValues& values) {
  const auto time = [](std::int64_t value) { return value >= 0 && value <= kTimestampMax; };
  return time(values.log_timestamp) && time(values.queues_timestamp) && time(values.index_timestamp) && values.confirm_offset >= -1;
}

}  // namespace

Checkpoint::Checkpoint(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

Result<void> Checkpoint::open() {
  const std::scoped_lock lock(mutex_);
  const auto size = files_.file_size(path_);
  if (size && *size != kFileSize) {
    log::warn("{} has {} bytes instead of {}: starting without a checkpoint", path_, *size, kFileSize);
    const auto removed = files_.remove(path_);
    if (!removed) return removed.error();
  }
  auto mapped = files_.map(path_, kFileSize, true);
  if (!mapped) return mapped.error();
  file_ = std::move(*mapped);
  const auto allocated = file_->allocate(0, kFileSize);
  if (!allocated) return allocated.error();

  ByteReader reader(file_->view(0, kFileSize));
  values_.log_timestamp = reader.read<std::int64_t>();
  values_.queues_timestamp = reader.read<std::int64_t>();
  values_.index_timestamp = reader.read<std::int64_t>();
  values_.master_flushed_offset = reader.read<std::int64_t>();
  values_.confirm_offset = reader.read<std::int64_t>();
  if (!plausible(values_)) {
    log::warn("{} is damaged: starting without a checkpoint", path_);
    values_ = {};
    return {};
  }
  durable_ = decode_mark(file_->view(kMarkAt, kMarkSize), file_->view(0, kValuesSize));
  return {};
}

CheckpointValues Checkpoint::values() const {
  const std::scoped_lock lock(mutex_);
  return values_;
}

std::optional<DurableMark> Checkpoint::durable() const {
  const std::scoped_lock lock(mutex_);
  return durable_;
}

void Checkpoint::set_durable(std::optional<DurableMark> mark) {
  const std::scoped_lock lock(mutex_);
  durable_ = mark;
}

Result<void> Checkpoint::flush() {
  const std::scoped_lock lock(mutex_);
  std::string bytes = encode(values_);
  const std::string mark = durable_ ? encode(*durable_, bytes) : std::string(kMarkSize, '\0');
  bytes.resize(kMarkAt);
  bytes += mark;
  if (bytes == written_) return {};
  file_->write(0, bytes);
  const auto flushed = file_->flush();
  if (flushed) written_ = bytes;
  return flushed;
}

}  // namespace skylark::commitlog
