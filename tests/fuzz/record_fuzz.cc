// SPDX-License-Identifier: Apache-2.0
#include "protocol/message.h"
#include "tests/fuzz/fuzz.h"

namespace skylark::fuzz {
namespace {

constexpr std::size_t kInflatedMax = 1 << 20;

std::string encoded(const MessageView& view) {
  RecordFields fields;
  fields.queue_id = view.queue_id;
  fields.flag = view.flag;
  fields.queue_offset = view.queue_offset;
  fields.physical_offset = view.physical_offset;
  fields.sys_flag = view.sys_flag;
  fields.born_timestamp = view.born_timestamp;
  fields.born_host = view.born_host;
  fields.store_timestamp = view.store_timestamp;
  fields.store_host = view.store_host;
  fields.reconsume_times = view.reconsume_times;
  fields.prepared_transaction_offset = view.prepared_transaction_offset;
  fields.body = view.body;
  fields.topic = view.topic;
  fields.properties = view.properties;
  std::string bytes;
  encode_record(fields, bytes);
  return bytes;
}

void check_properties(std::string_view properties) {
  for (const auto& [name, value] : parse_properties(properties)) {
    expect(find_property(properties, name).has_value(), "a property that is there is not found");
    expect(!find_property(remove_property(properties, name), name), "a removed property is found");
  }
  (void)tags_code(properties);
}

}  // namespace

void one_input(std::string_view bytes) {
  if (const auto record = decode_record(bytes)) {
    const std::string written = encoded(*record);
    const auto again = decode_record(written);
    expect(again.has_value(), "a record of our own is refused");
    expect(encoded(*again) == written, "a record differs after encoding");
    const auto id = parse_offset_message_id(make_offset_message_id(record->store_host, record->physical_offset));
    expect(id && id->host == record->store_host && id->physical_offset == record->physical_offset, "an offset id differs");
    check_properties(record->properties);
    const auto body = decompress_body(record->body, record->sys_flag, kInflatedMax);
    expect(!body || body->size() <= kInflatedMax || body->size() == record->body.size(), "a body grew beyond its bound");
  }
  if (const auto items = decode_batch(bytes)) {
    std::string written;
    for (const BatchItem& item : *items) encode_batch_item(item, written);
    expect(decode_batch(written)->size() == items->size(), "a batch differs after encoding");
  }
  check_properties(bytes);
  for (const std::int32_t type : {sys_flag::kCompressionZlib, sys_flag::kCompressionLz4, sys_flag::kCompressionZstd}) {
    const auto body = decompress_body(bytes, sys_flag::kCompressed | type, kInflatedMax);
    expect(!body || body->size() <= kInflatedMax, "a body grew beyond its bound");
  }
}

}  // namespace skylark::fuzz
