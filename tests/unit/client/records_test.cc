// SPDX-License-Identifier: Apache-2.0
#include "client/detail/records.h"

#include "protocol/message.h"
#include "tests/support/catch.h"

using skylark::Host;
using skylark::RecordFields;
using skylark::client::decode_messages;
using skylark::client::encode_properties;
using skylark::client::restore_topic;
using skylark::client::take_apart;

namespace {

std::string record(std::string_view topic, std::string_view body, std::string_view properties, std::int32_t sys_flag = 0) {
  RecordFields fields;
  fields.topic = topic;
  fields.body = body;
  fields.properties = properties;
  fields.sys_flag = sys_flag;
  fields.queue_id = 3;
  fields.queue_offset = 17;
  fields.physical_offset = 4'096;
  fields.born_host = *Host::parse("10.0.0.9:5000");
  fields.store_host = *Host::parse("10.0.0.1:10911");
  std::string bytes;
  skylark::encode_record(fields, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a received message has its place, its properties and the id of its producer", "[client][records]") {
  const std::string properties = encode_properties({{"TAGS", "red"}, {"UNIQ_KEY", "0A0B"}, {"empty", ""}});
  const auto messages = decode_messages(record("T", "hello", properties), "broker-a");
  REQUIRE(messages);
  REQUIRE(messages->size() == 1);
  const auto& message = messages->front();
  CHECK(message.topic == "T");
  CHECK(message.body == "hello");
  CHECK(message.tag() == "red");
  CHECK(message.message_id == "0A0B");
  CHECK(message.queue.to_string() == "broker-a/T/3");
  CHECK(message.queue_offset == 17);
  CHECK(message.offset_message_id == "0A00000100002A9F0000000000001000");
  CHECK(message.born_host == "10.0.0.9:5000");
  CHECK(message.property("empty").empty());
}

TEST_CASE("a message without an id of its producer goes by its offset id", "[client][records]") {
  const auto messages = decode_messages(record("T", "x", ""), "broker-a");
  REQUIRE(messages);
  CHECK(messages->front().message_id == messages->front().offset_message_id);
}

TEST_CASE("a deflated body is received in clear, a damaged one is an error", "[client][records]") {
  const std::string body(10'000, 'b');
  const std::int32_t flags = skylark::sys_flag::kCompressed | skylark::sys_flag::kCompressionZlib;
  const auto messages = decode_messages(record("T", skylark::compress_zlib(body), "", flags), "broker-a");
  REQUIRE(messages);
  CHECK(messages->front().body == body);
  CHECK_FALSE(decode_messages(record("T", "no zlib stream", "", flags), "broker-a"));
}

TEST_CASE("a message from the group's retry topic is shown under its real topic", "[client][records]") {
  auto messages = *decode_messages(record("%RETRY%G", "x", encode_properties({{"RETRY_TOPIC", "T"}})), "broker-a");
  restore_topic(messages.front(), "Other");
  CHECK(messages.front().topic == "%RETRY%G");
  restore_topic(messages.front(), "G");
  CHECK(messages.front().topic == "T");
  CHECK(messages.front().queue.topic == "%RETRY%G");
}

TEST_CASE("a record that holds several messages is taken apart", "[client][records]") {
  std::string body;
  skylark::encode_batch_item({.flag = 4, .body = "one", .properties = encode_properties({{"TAGS", "red"}, {"UNIQ_KEY", "A1"}})}, body);
  skylark::encode_batch_item({.flag = 5, .body = "two", .properties = ""}, body);
  const std::int32_t flags = skylark::sys_flag::kInnerBatch | skylark::sys_flag::kNeedUnwrap;
  const std::string whole = encode_properties({{"UNIQ_KEY", "whole"}, {"INNER_NUM", "2"}});
  auto messages = *decode_messages(record("T", "before", "") + record("T", body, whole, flags), "broker-a");
  take_apart(messages);
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].body == "before");
  CHECK(messages[1].body == "one");
  CHECK(messages[1].flag == 4);
  CHECK(messages[1].tag() == "red");
  CHECK(messages[1].message_id == "A1");
  CHECK(messages[1].queue_offset == 17);
  CHECK(messages[2].body == "two");
  CHECK(messages[2].queue_offset == 18);
  CHECK(messages[2].property("INNER_NUM").empty());
  CHECK(messages[2].message_id == messages[2].offset_message_id);

  messages = *decode_messages(record("T", "no batch", whole, flags), "broker-a");
  take_apart(messages);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].body == "no batch");
}
