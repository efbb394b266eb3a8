// SPDX-License-Identifier: Apache-2.0
#include "consumequeue/store_ends.h"

#include "base/bytes.h"
#include "base/crc32.h"
#include "base/error.h"
#include "base/log.h"

namespace skylark::consumequeue {
namespace {

constexpr std::string_view kMagic = "SKYENDS1";
constexpr std::size_t kChecksumSize = 4;
constexpr std::size_t kTopicSize = 12, kQueueSize = 48;  // Without the name of the topic.

void append_text(EncodedEnds& bytes, std::string_view text) {
  append_be(bytes, static_cast<std::int32_t>(text.size()));
  bytes += text;
}

std::string read_text(ByteReader& reader) { return std::string(reader.take(reader.read<std::int32_t>())); }

void append(EncodedEnds& bytes, const TopicEnds::Queue& queue) {
  append_be(bytes, queue.queue_id);
  append_be(bytes, queue.state.file_count);
  const QueueState& state = queue.state;
  for (const std::int64_t value : {state.first_base, state.min_unit, state.units, state.max_offset, state.max_physical_offset})
    append_be(bytes, value);
}

TopicEnds::Queue read_queue(ByteReader& reader) {
  TopicEnds::Queue queue;
  queue.queue_id = reader.read<std::int32_t>();
  queue.state.file_count = reader.read<std::int32_t>();
  queue.state.first_base = reader.read<std::int64_t>();
  queue.state.min_unit = reader.read<std::int64_t>();
  queue.state.units = reader.read<std::int64_t>();
  queue.state.max_offset = reader.read<std::int64_t>();
  queue.state.max_physical_offset = reader.read<std::int64_t>();
  return queue;
}

std::string temporary(const std::string& path) { return path + ".tmp"; }

}  // namespace

EncodedEnds encode(const StoreEnds& ends) {
  EncodedEnds bytes(kMagic);
  append_be<std::int32_t>(bytes, ends.clean ? 1 : 0);
  for (const std::int64_t value : {ends.durable_offset, ends.log_begin, ends.last_record, ends.store_timestamp, ends.lock_modified_ms,
                                   ends.taken_ms, ends.queue_file_size})
    append_be(bytes, value);
  append_be<std::int32_t>(bytes, ends.with_index ? 1 : 0);
  append_be(bytes, static_cast<std::int32_t>(ends.index.size()));
  for (const IndexFileState& file : ends.index) {
    append_text(bytes, file.name);
    append_be(bytes, file.next_entry);
    append_be(bytes, file.end_offset);
  }
  append_be(bytes, static_cast<std::int32_t>(ends.topics.size()));
  std::size_t size = bytes.size() + kChecksumSize;
  for (const TopicEnds& topic : ends.topics) size += kTopicSize + topic.topic.size() + topic.queues.size() * kQueueSize;
  bytes.reserve(size);  // Growing step by step it would take three times as much.
  for (const TopicEnds& topic : ends.topics) {
    append_text(bytes, topic.topic);
    append_be<std::int32_t>(bytes, topic.batch ? 1 : 0);
    append_be(bytes, static_cast<std::int32_t>(topic.queues.size()));
    for (const TopicEnds::Queue& queue : topic.queues) append(bytes, queue);
  }
  append_be(bytes, crc32_31(bytes));
  return bytes;
}

std::optional<StoreEnds> decode_store_ends(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kChecksumSize) return std::nullopt;
  const std::string_view content = bytes.substr(0, bytes.size() - kChecksumSize);
  if (load_be<std::uint32_t>(bytes.data() + content.size()) != crc32_31(content)) return std::nullopt;
  ByteReader reader(content.substr(kMagic.size()));
  StoreEnds ends;
  ends.clean = reader.read<std::int32_t>() != 0;
  for (std::int64_t* const value : {&ends.durable_offset, &ends.log_begin, &ends.last_record, &ends.store_timestamp, &ends.lock_modified_ms,
                                    &ends.taken_ms, &ends.queue_file_size})
    *value = reader.read<std::int64_t>();
  ends.with_index = reader.read<std::int32_t>() != 0;
  const auto files = reader.read<std::int32_t>();
  for (std::int32_t i = 0; i < files && reader.ok(); ++i) {
    IndexFileState file;
    file.name = read_text(reader);
    file.next_entry = reader.read<std::int32_t>();
    file.end_offset = reader.read<std::int64_t>();
    ends.index.push_back(std::move(file));
  }
  const auto topics = reader.read<std::int32_t>();
  for (std::int32_t i = 0; i < topics && reader.ok(); ++i) {
    TopicEnds topic;
    topic.topic = read_text(reader);
    topic.batch = reader.read<std::int32_t>() != 0;
    const auto queues = reader.read<std::int32_t>();
    for (std::int32_t j = 0; j < queues && reader.ok(); ++j) topic.queues.push_back(read_queue(reader));
    ends.topics.push_back(std::move(topic));
  }
  if (!reader.ok() || !reader.rest().empty()) return std::nullopt;
  return ends;
}

Result<std::int64_t> file_time_now(FileSystem& system, const std::string& path) {
  const auto written = system.write_all(temporary(path), "", false);
  if (!written) return written.error();
  return system.modified_ms(temporary(path));
}

Result<void> save_store_ends(FileSystem& system, const std::string& path, const StoreEnds& ends) {
  const auto written = system.write_all(temporary(path), encode(ends), true);
  if (!written) return written;
  const auto renamed = system.rename(temporary(path), path);
  if (!renamed) return renamed;
  return system.sync_folder(path.substr(0, path.rfind('/')));
}

std::optional<StoreEnds> load_store_ends(FileSystem& system, const std::string& path) {
  const auto bytes = system.read_all(path);
  if (!bytes) {
    if (bytes.error() != Errc::not_found) log::warn("cannot read {}: {}", path, bytes.error().message());
    return std::nullopt;
  }
  auto ends = decode_store_ends(*bytes);
  if (!ends) log::warn("{} is damaged: the ends of all queues are found by reading them", path);
  return ends;
}

}  // namespace skylark::consumequeue
