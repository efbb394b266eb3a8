// SPDX-License-Identifier: Apache-2.0
#include "commitlog/record_search.h"

#include <algorithm>
#include <string_view>

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/error.h"

namespace skylark::commitlog {
namespace {

constexpr std::int64_t kHeaderSize = 8;
constexpr std::int64_t kChunk = 1 << 20;
constexpr std::string_view kMagicPrefix = "\xDA\xA3\x20";  // Of both versions of a record.

bool is_message(std::int32_t magic) { return magic == kMessageMagicV1 || magic == kMessageMagicV2; }

Result<std::string> read(const MappedFileQueue::File& file, std::int64_t offset, std::int64_t size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const auto got = file.mapped->read_at(offset - file.base, bytes.data(), bytes.size());
  if (!got) return got.error();
  if (*got != bytes.size()) return Errc::io_error;
  return bytes;
}

Result<bool> record_begins(const MappedFileQueue::File& file, std::int64_t at, bool check_crc) {
  if (at < file.base || file.end() - at < kHeaderSize) return false;
  const auto header = read(file, at, kHeaderSize);
  if (!header) return {boost::system::in_place_error, header.error()};
  const auto size = load_be<std::int32_t>(header->data());
  if (!is_message(load_be<std::int32_t>(header->data() + 4)) || size < kHeaderSize || size > file.end() - at) return false;
  const auto bytes = read(file, at, size);
  if (!bytes) return {boost::system::in_place_error, bytes.error()};
  const auto record = decode_record(*bytes);
  if (!record || record->total_size != size || record->physical_offset != at) return false;
  return !check_crc || body_is_whole(*record);
}

/// Looks for a record in [from, end of that file).
Result<FoundRecord> search_file(const MappedFileQueue::File& file, std::int64_t from, const SearchLimits& limits, FoundRecord next) {
  std::int64_t zeros = 0;
  for (std::int64_t at = std::max(from, file.base); at < file.end();) {
    const std::int64_t size = std::min(kChunk, file.end() - at);
    const auto chunk = read(file, at, size);
    if (!chunk) return chunk.error();
    const std::string_view bytes = *chunk;
    for (std::size_t hit = bytes.find(kMagicPrefix); hit != std::string_view::npos; hit = bytes.find(kMagicPrefix, hit + 1)) {
      const std::int64_t candidate = at + static_cast<std::int64_t>(hit) - 4;
      if (candidate < from) continue;
      if (candidate >= limits.end) return next;
      const auto begins = record_begins(file, candidate, limits.check_crc);
      if (!begins) return begins.error();
      if (*begins) {
        next.record = candidate;
        return next;
      }
    }
    const auto last = bytes.find_last_not_of('\0');
    zeros = last == std::string_view::npos ? zeros + size : 0;
    if (last != std::string_view::npos) next.nonzero_end = at + static_cast<std::int64_t>(last) + 1;
    if (zeros > limits.zeros_max || at + size >= limits.end) break;
    if (at + size >= file.end()) break;
    at += size - static_cast<std::int64_t>(kMagicPrefix.size()) + 1;  // A magic may lie across two chunks.
  }
  return next;
}

}  // namespace

Result<FoundRecord> find_record(const MappedFileQueue& files, std::int64_t from, const SearchLimits& limits) {
  FoundRecord next;
  for (const std::int64_t base : files.bases()) {
    if (base + files.file_size() <= from) continue;
    if (base >= limits.end) break;
    const auto file = files.find(base);
    if (!file) return file.error();
    const auto found = search_file(*file, from, limits, next);
    if (!found || found->record >= 0) return found;
    next = *found;
  }
  return next;
}

Result<std::string> describe(const MappedFileQueue& files, std::int64_t at) {
  const auto file = files.find(at);
  if (!file && file.error() == Errc::out_of_range) return std::string("no file holds these bytes");
  if (!file) return file.error();
  const std::int64_t left = file->end() - at;
  if (left < kHeaderSize) return fmt::format("{} bytes are left in the file, too few for the header of a record", left);
  const auto header = read(*file, at, kHeaderSize);
  if (!header) return header.error();
  const auto size = load_be<std::int32_t>(header->data());
  const auto magic = load_be<std::int32_t>(header->data() + 4);
  if (size == 0 && magic == 0) return std::string("zeros where a record should begin");
  if (magic == kBlankMagic) return fmt::format("a blank record of {} bytes where {} are left in the file", size, left);
  if (!is_message(magic)) return fmt::format("magic 0x{:08X} is that of no record", static_cast<std::uint32_t>(magic));
  if (size < kHeaderSize || size > left) return fmt::format("length {} cannot be: {} bytes are left in the file", size, left);
  const auto bytes = read(*file, at, size);
  if (!bytes) return bytes.error();
  const auto record = decode_record(*bytes);
  if (!record || record->total_size != size) return fmt::format("lengths within the record of {} bytes contradict each other", size);
  if (record->physical_offset != at) return fmt::format("the record says that it is at {}", record->physical_offset);
  return fmt::format("the body of {} bytes does not match its checksum (topic {}, queue {}, offset {})", record->body.size(), record->topic,
                     record->queue_id, record->queue_offset);
}

}  // namespace skylark::commitlog
