// SPDX-License-Identifier: Apache-2.0
#include "protocol/message.h"

#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "tests/support/catch.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

using namespace std::string_literals;

RecordFields sample_fields() {
  RecordFields fields;
  fields.queue_id = 3;
  fields.flag = -1;
  fields.queue_offset = 42;
  fields.physical_offset = 123456;
  fields.born_host = Host::parse("10.0.0.9:51234").value();
  fields.store_host = Host::parse("10.0.0.1:10911").value();
  fields.body = "hello";
  fields.topic = "T";
  fields.properties =
      "TAGS\x01"
      "a\x02";
  return fields;
}

TEST_CASE("the smallest record has the size of the reference", "[protocol][message]") {
  RecordFields fields;
  fields.topic = "T";
  CHECK(record_size(fields) == 92);
}

TEST_CASE("the second form begins with topics of 128 bytes", "[protocol][message]") {
  for (const std::size_t size : {1, 127, 128, 255, 256, 1000}) {
    const std::string topic(size, 'x');
    RecordFields fields = sample_fields();
    fields.topic = topic;
    std::string bytes;
    encode_record(fields, bytes);
    const auto record = decode_record(bytes);
    REQUIRE(record);
    CHECK(record->magic == (size > 127 ? kMessageMagicV2 : kMessageMagicV1));
    CHECK(record->topic == topic);
  }
}

TEST_CASE("the address bits of a record follow its hosts", "[protocol][message]") {
  RecordFields fields = sample_fields();
  fields.sys_flag = sys_flag::kBornHostV6 | sys_flag::kStoreHostV6 | sys_flag::kCompressed;
  fields.store_host = Host::parse("[2001:db8::1]:10911").value();
  std::string bytes;
  encode_record(fields, bytes);
  const auto record = decode_record(bytes);
  REQUIRE(record);
  CHECK(record->sys_flag == (sys_flag::kStoreHostV6 | sys_flag::kCompressed));
  CHECK(record->store_host == fields.store_host);
  CHECK(load_be<std::int64_t>(bytes.data() + record_at::store_timestamp(record->sys_flag)) == 0);
}

TEST_CASE("records whose lengths contradict each other are refused", "[protocol][message]") {
  std::string good;
  encode_record(sample_fields(), good);
  REQUIRE(decode_record(good));
  struct Change {
    const char* what;
    std::size_t at;
    std::int32_t value;
  };
  const std::size_t body_size_at = 84;
  REQUIRE(load_be<std::int32_t>(good.data() + body_size_at) == 5);
  const Change changes[] = {
      {"total size of nothing", 0, 0},
      {"negative total size", 0, -1},
      {"total size short by one", 0, static_cast<std::int32_t>(good.size()) - 1},
      {"total size beyond the bytes", 0, static_cast<std::int32_t>(good.size()) + 1},
      {"unknown magic", 4, 0x12345678},
      {"blank magic", 4, kBlankMagic},
      {"the other form's magic", 4, kMessageMagicV2},
      {"negative body size", body_size_at, -5},
      {"body beyond the record", body_size_at, 1'000'000},
      {"body short by one", body_size_at, 4},
      {"IPv6 bit without the bytes", record_at::kSysFlag, sys_flag::kBornHostV6},
  };
  for (const Change& change : changes) {
    INFO(change.what);
    std::string bad = good;
    store_be(bad.data() + change.at, change.value);
    CHECK(decode_record(bad).error() == make_error_code(Errc::malformed));
  }
  CHECK_FALSE(decode_records(good + good.substr(0, good.size() - 1)));
  CHECK(decode_records(good + good)->size() == 2);
  CHECK(decode_records("")->empty());
}

TEST_CASE("properties are found in every shape that clients write", "[protocol][message]") {
  struct Case {
    std::string properties;
    std::optional<std::string_view> value;
  };
  const Case cases[] = {
      {"", std::nullopt},
      {"KEYS\1k\2", "k"},
      {"KEYS\1k", "k"},  // The last mark may be missing.
      {"A\1b\2KEYS\1k1 k2\2", "k1 k2"},
      {"KEYS\1first\2KEYS\1last\2", "last"},  // Later duplicates win.
      {"KEYS\1first\2KEYS\1\2", "first"},     // Without a value it is none.
      {"KEYS\1\2", std::nullopt},
      {"\1k\2", std::nullopt},
      {"KEYS\2", std::nullopt},
      {"XKEYS\1k\2", std::nullopt},
      {"KEYSX\1k\2", std::nullopt},
      {"KEYS\1a\1b\2", "a\1b"},
      {"\2\2KEYS\1k\2\2", "k"},
  };
  for (const Case& row : cases) {
    INFO(test::to_hex(row.properties));
    CHECK(find_property(row.properties, "KEYS") == row.value);
  }
  CHECK_FALSE(find_property("K\1v\2", ""));
  CHECK(find_property("K\1v\2", "K") == "v");
  CHECK(parse_properties("A\1b\2xx\2C\1d").size() == 2);
}

TEST_CASE("properties are added, replaced and removed", "[protocol][message]") {
  std::string properties;
  append_property(properties, "A", "1");
  CHECK(properties ==
        "A\1"
        "1\2");
  properties.pop_back();
  append_property(properties, "B", "2");
  CHECK(properties ==
        "A\1"
        "1\2B\1"
        "2\2");
  set_property(properties, "A", "3");
  CHECK(properties ==
        "B\1"
        "2\2A\1"
        "3\2");
  append_property(properties, "A", "4");
  CHECK(remove_property(properties, "A") ==
        "B\1"
        "2\2");
  CHECK(remove_property(properties, "absent") == properties);
  set_property(properties, "C", "5");
  CHECK(find_property(properties, "C") == "5");
}

TEST_CASE("tag codes are Java's string hashes", "[protocol][message]") {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"", 0},
      {"TagA", 2598919},
      {"TagB", 2598920},
      {"a", 97},
      {"polygenelubricants", -2147483648LL},
      {"\xE4\xB8\xAD\xE6\x96\x87", 646394},  // U+4E2D U+6587
      {"\xF0\x9F\x98\x80", 1772899},         // U+1F600 as two UTF-16 units
      {"\xFF", 65533},                       // Bytes that are no UTF-8 become U+FFFD
      {"\xE4\xB8", 65533},
      {"\xED\xA0\x80", 65533 * 31 * 31 + 65533 * 31 + 65533},  // A surrogate in UTF-8 is three faults.
  };
  for (const auto& [tags, code] : cases) {
    INFO(test::to_hex(tags));
    CHECK(tags_code(tags) == code);
  }
}

TEST_CASE("the hash of a text does not depend on the pieces in which it is looked at", "[protocol]") {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string text;
    std::uint32_t hash = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const auto unit = static_cast<unsigned char>((i * 37 + size) % 128);
      text += static_cast<char>(unit);
      hash = hash * 31 + unit;
    }
    REQUIRE(java_string_hash(text) == static_cast<std::int32_t>(hash));
    // A character of two bytes, U+00E9, in each place: what is behind it begins elsewhere.
    for (std::size_t place = 0; place <= size; ++place) {
      std::uint32_t wanted = 0;
      for (std::size_t i = 0; i <= size; ++i) {
        if (i == place) wanted = wanted * 31 + 0xE9;
        if (i < size) wanted = wanted * 31 + static_cast<unsigned char>(text[i]);
      }
      REQUIRE(java_string_hash(std::string(text).insert(place, "\xC3\xA9")) == static_cast<std::int32_t>(wanted));
    }
  }
}

TEST_CASE("hosts are read and written", "[protocol][message]") {
  const std::pair<const char*, const char*> good[] = {
      {"10.0.0.1:10911", "10.0.0.1:10911"},
      {"255.255.255.255:0", "255.255.255.255:0"},
      {"[2001:db8:0:0:0:0:0:9]:51234", "[2001:db8::9]:51234"},
      {"2001:db8::9:80", "[2001:db8::9]:80"},
      {"[::ffff:10.0.0.1]:65535", "10.0.0.1:65535"},
      {"::ffff:10.0.0.1:1", "10.0.0.1:1"},
  };
  for (const auto& [text, canonical] : good) {
    INFO(text);
    const auto host = Host::parse(text);
    REQUIRE(host);
    CHECK(host->to_string() == canonical);
  }
  for (const char* text : {"", ":", "10.0.0.1", "10.0.0.1:", "10.0.0.1:x", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0:1", "host:1",
                           "[10.0.0.1]:1", "[::1:1", "[]:1", "10.0.0.1:1 "}) {
    INFO(text);
    CHECK_FALSE(Host::parse(text));
  }
}

TEST_CASE("offset ids that are none are refused", "[protocol][message]") {
  CHECK(parse_offset_message_id("0a00000100002a9f000000000001e240")->physical_offset == 123456);
  for (const std::string& text : {""s, "0A"s, "0A00000100002A9F000000000001E24"s, "0A00000100002A9F000000000001E2400"s,
                                  "0A00000100002A9F000000000001E2G0"s, std::string(56, 'x')}) {
    CHECK_FALSE(parse_offset_message_id(text));
  }
}

TEST_CASE("unique keys do not repeat", "[protocol][message]") {
  const Host host = Host::parse("10.0.0.9:1").value();
  std::set<std::string> keys;
  for (int i = 0; i < 10'000; ++i) keys.insert(make_unique_key(host));
  CHECK(keys.size() == 10'000);
  CHECK(keys.begin()->size() == 32);
  CHECK(keys.begin()->starts_with("0A000009"));
  CHECK(make_unique_key(Host::parse("[2001:db8::9]:1").value()).size() == 56);
}

TEST_CASE("batches are cut apart again", "[protocol][message]") {
  std::string body;
  encode_batch_item({.flag = 7, .body = "one", .properties = "A\1b\2"}, body);
  encode_batch_item({.body = "", .properties = ""}, body);
  const auto items = decode_batch(body);
  REQUIRE(items);
  REQUIRE(items->size() == 2);
  CHECK(items->front().flag == 7);
  CHECK(items->front().body == "one");
  CHECK(items->front().properties == "A\1b\2");
  CHECK(items->back().body.empty());
  CHECK(decode_batch("")->empty());
  std::size_t accepted = 0;
  for (std::size_t size = 1; size < body.size(); ++size) {
    if (decode_batch(std::string_view(body).substr(0, size))) ++accepted;
  }
  CHECK(accepted == 1);  // At the end of the first item.
}

}  // namespace
}  // namespace skylark
