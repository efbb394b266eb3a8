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

/// Writes one behind the other into memory that is large enough: a record is made for every message, and growing a string field by field
/// took twice as long as all else in it.
class RecordWriter {
 public:
  explicit RecordWriter(char* at) noexcept : at_(at) {}
  template <class T>
  void put(T value) noexcept {
    store_be(at_, value);
    at_ += sizeof value;
  }
  void put(std::string_view bytes) noexcept {
    std::copy(bytes.begin(), bytes.end(), at_);
    at_ += bytes.size();
  }
  void put(const Host& host) noexcept {
    at_ = std::copy_n(reinterpret_cast<const char*>(host.address.data()), host.size, at_);
    put(host.port);
  }
  [[nodiscard]] const char* end() const noexcept { return at_; }

 private:
  char* at_;
};

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
  out.resize(begin + size);
  RecordWriter writer(out.data() + begin);
  writer.put(static_cast<std::int32_t>(size));
  writer.put(is_v2 ? kMessageMagicV2 : kMessageMagicV1);
  writer.put(crc32_31(fields.body));
  writer.put(fields.queue_id);
  writer.put(fields.flag);
  writer.put(fields.queue_offset);
  writer.put(fields.physical_offset);
  writer.put(with_host_bits(fields));
  writer.put(fields.born_timestamp);
  writer.put(fields.born_host);
  writer.put(fields.store_timestamp);
  writer.put(fields.store_host);
  writer.put(fields.reconsume_times);
  writer.put(fields.prepared_transaction_offset);
  writer.put(static_cast<std::int32_t>(fields.body.size()));
  writer.put(fields.body);
  if (is_v2)
    writer.put(static_cast<std::int16_t>(fields.topic.size()));
  else
    writer.put(static_cast<std::uint8_t>(fields.topic.size()));
  writer.put(fields.topic);
  writer.put(static_cast<std::int16_t>(fields.properties.size()));
  writer.put(fields.properties);
  SKYLARK_ASSERT(writer.end() == out.data() + out.size(), "a record differs from its computed size");
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
