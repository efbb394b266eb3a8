// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc32.h"
#include "base/error.h"
#include "protocol/message.h"

namespace skylark {
namespace {

constexpr std::size_t kTopicSizeMaxV1 = 127;
constexpr std::size_t kPropertiesSizeMax = 32767;
// All but hosts, body, topic, its length field, and properties: 91 less two IPv4 hosts (16) and the topic length (1).
constexpr std::size_t kFixedSize = 74;

void append_host(std::string& out, const Host& host) {
  out.append(reinterpret_cast<const char*>(host.address.data()), host.size);
  append_be(out, host.port);
}

Host read_host(ByteReader& reader, bool is_v6) noexcept {
  Host host;
  host.size = is_v6 ? 16 : 4;
  const std::string_view address = reader.take(host.size);
  std::copy(address.begin(), address.end(), reinterpret_cast<char*>(host.address.data()));
  host.port = reader.read<std::int32_t>();
  return host;
}

std::int32_t with_host_bits(const RecordFields& fields) noexcept {
  std::int32_t sys_flag = fields.sys_flag & ~(sys_flag::kBornHostV6 | sys_flag::kStoreHostV6);
  if (fields.born_host.size == 16) sys_flag |= sys_flag::kBornHostV6;
  if (fields.store_host.size == 16) sys_flag |= sys_flag::kStoreHostV6;
  return sys_flag;
}

}  // namespace

std::size_t record_size(const RecordFields& fields) noexcept {
  const std::size_t topic_length_size = fields.topic.size() > kTopicSizeMaxV1 ? 2 : 1;
  return kFixedSize + fields.born_host.size + 4u + fields.store_host.size + 4u + fields.body.size() + topic_length_size +
         fields.topic.size() + fields.properties.size();
}

void encode_record(const RecordFields& fields, std::string& out) {
  SKYLARK_ASSERT(fields.properties.size() <= kPropertiesSizeMax, "properties do not fit into a record");
  SKYLARK_ASSERT(fields.topic.size() <= kPropertiesSizeMax, "the topic does not fit into a record");
  const std::size_t begin = out.size();
  const std::size_t size = record_size(fields);
  const bool is_v2 = fields.topic.size() > kTopicSizeMaxV1;
  out.reserve(begin + size);
  append_be(out, static_cast<std::int32_t>(size));
  append_be(out, is_v2 ? kMessageMagicV2 : kMessageMagicV1);
  append_be(out, crc32_31(fields.body));
  append_be(out, fields.queue_id);
  append_be(out, fields.flag);
  append_be(out, fields.queue_offset);
  append_be(out, fields.physical_offset);
  append_be(out, with_host_bits(fields));
  append_be(out, fields.born_timestamp);
  append_host(out, fields.born_host);
  append_be(out, fields.store_timestamp);
  append_host(out, fields.store_host);
  append_be(out, fields.reconsume_times);
  append_be(out, fields.prepared_transaction_offset);
  append_be(out, static_cast<std::int32_t>(fields.body.size()));
  out += fields.body;
  if (is_v2)
    append_be(out, static_cast<std::int16_t>(fields.topic.size()));
  else
    append_be(out, static_cast<std::uint8_t>(fields.topic.size()));
  out += fields.topic;
  append_be(out, static_cast<std::int16_t>(fields.properties.size()));
  out += fields.properties;
  SKYLARK_ASSERT(out.size() == begin + size, "a record differs from its computed size");
}

Result<MessageView> decode_record(std::string_view bytes) {
  MessageView view;
  view.total_size = ByteReader(bytes).read<std::int32_t>();
  if (view.total_size < 0 || static_cast<std::size_t>(view.total_size) > bytes.size()) return make_error_code(Errc::malformed);
  ByteReader reader(bytes.substr(0, static_cast<std::size_t>(view.total_size)));
  reader.read<std::int32_t>();
  view.magic = reader.read<std::int32_t>();
  if (view.magic != kMessageMagicV1 && view.magic != kMessageMagicV2) return make_error_code(Errc::malformed);
  view.body_crc = reader.read<std::uint32_t>();
  view.queue_id = reader.read<std::int32_t>();
  view.flag = reader.read<std::int32_t>();
  view.queue_offset = reader.read<std::int64_t>();
  view.physical_offset = reader.read<std::int64_t>();
  view.sys_flag = reader.read<std::int32_t>();
  view.born_timestamp = reader.read<std::int64_t>();
  view.born_host = read_host(reader, (view.sys_flag & sys_flag::kBornHostV6) != 0);
  view.store_timestamp = reader.read<std::int64_t>();
  view.store_host = read_host(reader, (view.sys_flag & sys_flag::kStoreHostV6) != 0);
  view.reconsume_times = reader.read<std::int32_t>();
  view.prepared_transaction_offset = reader.read<std::int64_t>();
  view.body = reader.take(reader.read<std::int32_t>());
  const std::int64_t topic_size = view.magic == kMessageMagicV2 ? reader.read<std::int16_t>() : reader.read<std::uint8_t>();
  view.topic = reader.take(topic_size);
  view.properties = reader.take(reader.read<std::int16_t>());
  if (!reader.ok() || !reader.rest().empty()) return make_error_code(Errc::malformed);
  return view;
}

Result<std::vector<MessageView>> decode_records(std::string_view bytes) {
  std::vector<MessageView> records;
  while (!bytes.empty()) {
    const Result<MessageView> record = decode_record(bytes);
    if (!record) return record.error();
    bytes.remove_prefix(static_cast<std::size_t>(record->total_size));
    records.push_back(*record);
  }
  return records;
}

Result<std::vector<BatchItem>> decode_batch(std::string_view body) {
  std::vector<BatchItem> items;
  ByteReader reader(body);
  while (!reader.rest().empty()) {
    BatchItem item;
    reader.read<std::int32_t>();  // Total size; as in MessageDecoder.decodeMessage the lengths that follow decide.
    reader.read<std::int32_t>();  // Magic and body CRC are 0.
    reader.read<std::int32_t>();
    item.flag = reader.read<std::int32_t>();
    item.body = reader.take(reader.read<std::int32_t>());
    item.properties = reader.take(reader.read<std::int16_t>());
    if (!reader.ok()) return make_error_code(Errc::malformed);
    items.push_back(item);
  }
  return items;
}

void encode_batch_item(const BatchItem& item, std::string& out) {
  SKYLARK_ASSERT(item.properties.size() <= kPropertiesSizeMax, "properties do not fit into a batch");
  append_be(out, static_cast<std::int32_t>(22 + item.body.size() + item.properties.size()));
  append_be<std::int32_t>(out, 0);
  append_be<std::int32_t>(out, 0);
  append_be(out, item.flag);
  append_be(out, static_cast<std::int32_t>(item.body.size()));
  out += item.body;
  append_be(out, static_cast<std::int16_t>(item.properties.size()));
  out += item.properties;
}

}  // namespace skylark
