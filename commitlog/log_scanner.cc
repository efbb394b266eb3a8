// SPDX-License-Identifier: Apache-2.0
#include "commitlog/log_scanner.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "commitlog/record_search.h"

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kHeaderSize = 8;      // Length and magic.
constexpr std::int64_t kReadSize = 1 << 20;  // Bytes of one read; a longer record is read in one piece.

/// Reads forward through the files in large pieces.
class Reader {
 public:
  explicit Reader(const MappedFileQueue& files) : files_(files) {}

  /// Turns to the file that holds `offset`. Errors: `out_of_range` behind the last one, and those of mapping it.
  Result<void> enter(std::int64_t offset) {
    if (file_.mapped && offset >= file_.base && offset < file_.end()) return {};
    auto found = files_.find(offset);
    if (!found) return found.error();
    file_ = std::move(*found);
    buffer_.clear();
    return {};
  }
  [[nodiscard]] std::int64_t file_end() const noexcept { return file_.end(); }

  /// `size` bytes at `offset`, both within the file; valid until the next call.
  Result<std::string_view> bytes(std::int64_t offset, std::int64_t size) {
    if (buffer_.empty() || offset < buffer_begin_ || offset + size > buffer_begin_ + static_cast<std::int64_t>(buffer_.size())) {
      buffer_.resize(static_cast<std::size_t>(std::min(std::max(size, kReadSize), file_.end() - offset)));
      buffer_begin_ = offset;
      const auto got = file_.mapped->read_at(offset - file_.base, buffer_.data(), buffer_.size());
      if (!got) return got.error();
      if (*got != buffer_.size()) return Errc::io_error;  // Somebody cut the file behind our back.
    }
    return std::string_view(buffer_).substr(static_cast<std::size_t>(offset - buffer_begin_), static_cast<std::size_t>(size));
  }

 private:
  const MappedFileQueue& files_;
  MappedFileQueue::File file_;
  std::string buffer_;
  std::int64_t buffer_begin_ = 0;
};

/// The properties are what no checksum covers: a power cut may keep the sector that ends the body and lose the next one, which then holds
/// zeros. True when all of them that share a sector with the record's end are zeros.
bool ends_in_zeros(const MessageView& record, std::int64_t end_in_file) {
  constexpr std::int64_t kSector = 512;
  const auto shared = static_cast<std::size_t>((end_in_file - 1) % kSector + 1);
  const std::string_view tail = record.properties.substr(record.properties.size() - std::min(shared, record.properties.size()));
  return !tail.empty() && tail.find_first_not_of('\0') == std::string_view::npos;
}

bool valid(const MessageView& record, std::int64_t offset, bool check_crc) {
  if (record.physical_offset != offset) return false;
  if (check_crc && record.topic.find('\0') != std::string_view::npos) return false;  // Its end was not written: no name has zeros.
  return !check_crc || body_is_whole(record);
}

}  // namespace

Result<ScanResult> scan_log(const MappedFileQueue& files, std::int64_t from, bool check_crc, const RecordVisitor& visit) {
  Reader reader(files);
  ScanResult result;
  result.end = from;
  for (;;) {
    const auto entered = reader.enter(result.end);
    if (!entered && entered.error() == Errc::out_of_range) return result;
    if (!entered) return entered.error();
    const std::int64_t left = reader.file_end() - result.end;
    if (left < kHeaderSize) return result;
    const auto header = reader.bytes(result.end, kHeaderSize);
    if (!header) return header.error();
    const auto size = load_be<std::int32_t>(header->data());
    const auto magic = load_be<std::int32_t>(header->data() + 4);
    if (magic == kBlankMagic && size == left) {
      result.end = reader.file_end();
      continue;
    }
    if ((magic != kMessageMagicV1 && magic != kMessageMagicV2) || size < kHeaderSize || size > left) return result;
    auto bytes = reader.bytes(result.end, size);
    if (!bytes) return bytes.error();
    auto record = decode_record(*bytes);
    if (!record || record->total_size != size || !valid(*record, result.end, check_crc)) return result;
    if (check_crc && ends_in_zeros(*record, files.file_size() - left + size)) {
      // Properties may end so, but then something follows; behind a lost sector there is nothing.
      const std::int64_t behind = left - size;
      const auto next = reader.bytes(result.end + size, std::min<std::int64_t>(behind, sizeof(std::int32_t)));
      if (!next) return next.error();
      if (next->find_first_not_of('\0') == std::string_view::npos) return result;
      bytes = reader.bytes(result.end, size);
      if (!bytes) return bytes.error();
      record = decode_record(*bytes);
    }
    const auto visited = visit(*record);
    if (!visited) return visited.error();
    result.last_record = result.end;
    result.last_store_timestamp = record->store_timestamp;
    ++result.record_count;
    result.end += size;
  }
}

Result<std::int64_t> first_store_timestamp(const MappedFileQueue& files, std::int64_t base) {
  Reader reader(files);
  constexpr std::int64_t kWanted = 76;  // Up to the store time behind an IPv6 born host.
  const auto entered = reader.enter(base);
  if (!entered) return entered.error();
  if (reader.file_end() - base < kWanted) return 0;
  const auto bytes = reader.bytes(base, kWanted);
  if (!bytes) return bytes.error();
  const auto magic = load_be<std::int32_t>(bytes->data() + record_at::kMagic);
  if (magic != kMessageMagicV1 && magic != kMessageMagicV2) return 0;
  const auto sys_flag = load_be<std::int32_t>(bytes->data() + record_at::kSysFlag);
  return load_be<std::int64_t>(bytes->data() + record_at::store_timestamp(sys_flag));
}

}  // namespace skylark::commitlog
