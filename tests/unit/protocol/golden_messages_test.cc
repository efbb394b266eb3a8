// SPDX-License-Identifier: Apache-2.0
#include "base/crc32.h"
#include "protocol/message.h"
#include "tests/support/catch.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

using test::from_hex;
using test::to_hex;

RecordFields fields_of(const MessageView& view) {
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
  return fields;
}

void check_record(const MessageView& view, const json::Value& stated) {
  CHECK(view.total_size == stated["totalSize"].as_int32());
  CHECK(view.magic == (stated["magic"].as_string() == "0xDAA320AB" ? kMessageMagicV2 : kMessageMagicV1));
  CHECK(view.body_crc == stated["bodyCRC"].as_integer());
  CHECK(view.body_crc == crc32_31(view.body));
  CHECK(view.queue_id == stated["queueId"].as_int32());
  CHECK(view.flag == stated["flag"].as_int32());
  CHECK(view.queue_offset == stated["queueOffset"].as_integer());
  CHECK(view.physical_offset == stated["physicalOffset"].as_integer());
  CHECK(view.sys_flag == stated["sysFlagOnDisk"].as_int32());
  CHECK(view.born_timestamp == stated["bornTimestamp"].as_integer());
  CHECK(view.born_host == Host::parse(stated["bornHost"].as_string()).value());
  CHECK(view.store_timestamp == stated["storeTimestamp"].as_integer());
  CHECK(view.store_host == Host::parse(stated["storeHost"].as_string()).value());
  CHECK(view.reconsume_times == stated["reconsumeTimes"].as_int32());
  CHECK(view.prepared_transaction_offset == stated["preparedTransactionOffset"].as_integer());
  CHECK(view.topic == stated["topic"].as_string());
  for (const auto& [name, value] : stated["properties"].members()) CHECK(view.property(name.as_string()) == value.as_string());
  CHECK(to_hex(decompress_body(view.body, view.sys_flag).value()) == stated["bodyDecompressedHex"].as_string());
  CHECK(make_offset_message_id(view.store_host, view.physical_offset) == stated["offsetMsgId"].as_string());
  const auto id = parse_offset_message_id(stated["offsetMsgId"].as_string());
  REQUIRE(id);
  CHECK(id->host == view.store_host);
  CHECK(id->physical_offset == view.physical_offset);
}

TEST_CASE("every golden record decodes to what it states and encodes to the same bytes", "[protocol][golden]") {
  const auto lines = test::golden_lines("messages.jsonl");
  CHECK(lines.size() == 17);
  for (const json::Value& line : lines) {
    INFO(line["name"].as_string());
    const std::string bytes = from_hex(line["hex"].as_string());
    const auto records = decode_records(bytes);
    REQUIRE(records);
    const auto& stated = line["decoded"]["messages"].items();
    REQUIRE(records->size() == stated.size());
    std::string again;
    for (std::size_t i = 0; i < stated.size(); ++i) {
      check_record((*records)[i], stated[i]);
      CHECK(record_size(fields_of((*records)[i])) == static_cast<std::size_t>((*records)[i].total_size));
      encode_record(fields_of((*records)[i]), again);
    }
    CHECK(to_hex(again) == to_hex(bytes));
  }
}

TEST_CASE("the golden inner batch holds three messages", "[protocol][golden]") {
  for (const json::Value& line : test::golden_lines("messages.jsonl")) {
    if (line["name"].as_string() != "v1-inner-batch") continue;
    const std::string bytes = from_hex(line["hex"].as_string());
    const auto record = decode_record(bytes);
    REQUIRE(record);
    const auto items = decode_batch(record->body);
    REQUIRE(items);
    REQUIRE(items->size() == 3);
    std::string again;
    for (const BatchItem& item : *items) encode_batch_item(item, again);
    CHECK(to_hex(again) == to_hex(record->body));
  }
}

TEST_CASE("no golden record decodes from less than its bytes", "[protocol][golden]") {
  for (const json::Value& line : test::golden_lines("messages.jsonl")) {
    const std::string bytes = from_hex(line["hex"].as_string());
    const auto whole = decode_record(bytes);
    REQUIRE(whole);
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < static_cast<std::size_t>(whole->total_size); ++size) {
      if (decode_record(std::string_view(bytes).substr(0, size))) ++accepted;
    }
    CHECK(accepted == 0);
  }
}

}  // namespace
}  // namespace skylark
