// SPDX-License-Identifier: Apache-2.0
#include "tools/store/log_walk.h"

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/crc32.h"
#include "base/error.h"
#include "commitlog/log_scanner.h"

namespace skylark::tools {
namespace {

using commitlog::MappedFileQueue;

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

/// Why the scan stopped there.
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
  return fmt::format("the record says that it is at {}", record->physical_offset);
}

struct Next {
  std::int64_t record = -1;       ///< Where the next record begins; -1 without any.
  std::int64_t nonzero_end = -1;  ///< Behind the last byte that is not zero; -1 without any.
};

Result<bool> record_begins(const MappedFileQueue::File& file, std::int64_t at) {
  if (at < file.base || file.end() - at < kHeaderSize) return false;
  const auto header = read(file, at, kHeaderSize);
  if (!header) return {boost::system::in_place_error, header.error()};
  const auto size = load_be<std::int32_t>(header->data());
  if (!is_message(load_be<std::int32_t>(header->data() + 4)) || size < kHeaderSize || size > file.end() - at) return false;
  const auto bytes = read(file, at, size);
  if (!bytes) return {boost::system::in_place_error, bytes.error()};
  const auto record = decode_record(*bytes);
  return record && record->total_size == size && record->physical_offset == at;
}

/// Looks for a record in [from, end of that file).
Result<Next> search_file(const MappedFileQueue::File& file, std::int64_t from, Next next) {
  for (std::int64_t at = std::max(from, file.base); at < file.end();) {
    const std::int64_t size = std::min(kChunk, file.end() - at);
    const auto chunk = read(file, at, size);
    if (!chunk) return chunk.error();
    const std::string_view bytes = *chunk;
    for (std::size_t hit = bytes.find(kMagicPrefix); hit != std::string_view::npos; hit = bytes.find(kMagicPrefix, hit + 1)) {
      const std::int64_t candidate = at + static_cast<std::int64_t>(hit) - 4;
      if (candidate < from) continue;
      const auto begins = record_begins(file, candidate);
      if (!begins) return begins.error();
      if (*begins) {
        next.record = candidate;
        return next;
      }
    }
    if (const auto last = bytes.find_last_not_of('\0'); last != std::string_view::npos)
      next.nonzero_end = at + static_cast<std::int64_t>(last) + 1;
    if (at + size >= file.end()) break;
    at += size - static_cast<std::int64_t>(kMagicPrefix.size()) + 1;  // A magic may lie across two chunks.
  }
  return next;
}

Result<Next> find_next(const MappedFileQueue& files, std::int64_t from) {
  Next next;
  for (const std::int64_t base : files.bases()) {
    if (base + files.file_size() <= from) continue;
    const auto file = files.find(base);
    if (!file) return file.error();
    const auto found = search_file(*file, from, next);
    if (!found || found->record >= 0) return found;
    next = *found;
  }
  return next;
}

}  // namespace

Result<LogWalk> walk_log(const MappedFileQueue& files, std::int64_t from, const WalkVisitor& visit) {
  LogWalk walk;
  walk.begin = walk.end = from;
  for (std::int64_t at = from; at < files.end();) {
    const auto scanned = commitlog::scan_log(files, at, false, [&](const MessageView& record) -> Result<void> {
      const bool intact = record.body.empty() || crc32_31(record.body) == record.body_crc;
      if (!intact) {
        walk.damage.push_back({record.physical_offset, record.physical_offset + record.total_size,
                               fmt::format("the body of {} bytes has checksum 0x{:08X}, the record says 0x{:08X} (topic {}, queue {}, offset {})",
                                           record.body.size(), crc32_31(record.body), record.body_crc, record.topic, record.queue_id,
                                           record.queue_offset)});
      }
      return visit(record, intact);
    });
    if (!scanned) return scanned.error();
    walk.end = scanned->record_count > 0 || scanned->end > at ? scanned->end : walk.end;
    walk.record_count += scanned->record_count;
    if (scanned->last_record >= 0) {
      walk.last_record = scanned->last_record;
      walk.last_store_timestamp = scanned->last_store_timestamp;
    }
    at = scanned->end;
    if (at >= files.end()) break;
    const auto next = find_next(files, at);
    if (!next) return next.error();
    if (next->record < 0 && next->nonzero_end < 0) break;  // Zeros up to the end: what has not been written yet.
    auto what = describe(files, at);
    if (!what) return what.error();
    walk.damage.push_back({at, next->record < 0 ? next->nonzero_end : next->record, std::move(*what)});
    if (next->record < 0) break;
    at = next->record;
  }
  return walk;
}

}  // namespace skylark::tools
