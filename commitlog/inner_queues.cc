// SPDX-License-Identifier: Apache-2.0
#include "commitlog/inner_queues.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"

namespace skylark::commitlog {
namespace {

constexpr char kSeparator = ',';
constexpr std::size_t kFolderNameMax = 255;

/// The part up to the next comma, which is taken off.
std::string_view next_part(std::string_view& list) {
  const std::size_t end = std::min(list.find(kSeparator), list.size());
  const std::string_view part = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return part;
}

/// Clients choose these names, and each is a folder.
bool names_a_folder(std::string_view name) {
  return !name.empty() && name.size() <= kFolderNameMax && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

/// Its one record gets that property, at its end.
Result<void> append_to_record(std::string& bytes, std::string_view name, std::string_view value) {
  const auto record = decode_record(bytes);
  if (!record) return record.error();
  std::string properties(record->properties);
  append_property(properties, name, value);
  if (properties.size() > std::numeric_limits<std::int16_t>::max()) return Errc::too_large;
  bytes.resize(bytes.size() - record->properties.size() - sizeof(std::int16_t));
  append_be<std::int16_t>(bytes, static_cast<std::int16_t>(properties.size()));
  bytes += properties;
  store_be<std::int32_t>(bytes.data(), static_cast<std::int32_t>(bytes.size()));
  return {};
}

}  // namespace

std::string_view inner_queue_names(std::string_view topic, std::string_view properties) {
  if (topic.starts_with("%RETRY%") || topic.starts_with("rmq_sys_") || topic == "SCHEDULE_TOPIC_XXXX") return {};
  const std::string_view names = find_property(properties, kInnerQueueNames).value_or("");
  return names.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos ? std::string_view() : names;
}

Result<void> add_inner_offsets(EncodedRecords& records, QueueOffsetTable& next_offsets) {
  std::string offsets;
  std::string_view names = records.inner_queues;
  for (bool first = true; !names.empty(); first = false) {
    const std::string_view name = next_part(names);
    if (!first) offsets += kSeparator;
    if (is_lmq(name)) offsets += std::to_string(next_offsets.next(name, 0));
  }
  return append_to_record(records.bytes, kInnerQueueOffsets, offsets);
}

void count_inner_offsets(std::string_view names, QueueOffsetTable& next_offsets) {
  std::set<std::string_view> counted;
  while (!names.empty()) {
    const std::string_view name = next_part(names);
    if (is_lmq(name) && counted.insert(name).second) ++next_offsets.next(name, 0);
  }
}

Result<void> for_each_inner_queue(const MessageView& record, const InnerQueueOptions& options, const InnerQueueVisitor& visit) {
  if (!options.number || !options.enter) return {};
  std::string_view names = inner_queue_names(record.topic, record.properties);
  if (names.empty()) return {};
  std::string_view offsets = record.property(kInnerQueueOffsets).value_or("");
  while (!names.empty()) {
    const std::string_view name = next_part(names);
    const std::string_view text = next_part(offsets);
    if (text.empty() || !names_a_folder(name)) continue;
    std::int64_t offset = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
    if (error != std::errc() || end != text.data() + text.size() || offset < 0) {
      log::error("the record at {} is for queue {} at offset '{}': it is not entered there", record.physical_offset, name, text);
      continue;
    }
    const auto visited = visit(name, is_lmq(name) ? 0 : record.queue_id, offset);
    if (!visited) return visited;
  }
  return {};
}

}  // namespace skylark::commitlog
