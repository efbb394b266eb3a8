// SPDX-License-Identifier: Apache-2.0
// What the header decoders accept beyond what we write, and what they refuse.
#include <cstring>
#include <memory>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/field_names.h"
#include "protocol/request_code.h"
#include "tests/support/catch.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

std::string json_frame(std::string_view header, std::string_view body = {}) {
  std::string frame;
  append_be(frame, static_cast<std::uint32_t>(header.size()));
  frame += header;
  frame += body;
  return frame;
}

/// A binary header with these entries as they stand.
std::string binary_header(std::int16_t code, std::int32_t flag, std::string_view entries) {
  std::string header;
  append_be(header, code);
  append_be<std::int8_t>(header, 0);
  append_be<std::int16_t>(header, 479);
  append_be<std::int32_t>(header, 7);
  append_be(header, flag);
  append_be<std::int32_t>(header, 0);
  append_be(header, static_cast<std::int32_t>(entries.size()));
  header += entries;
  return header;
}

std::string entry(std::string_view name, std::string_view value) {
  std::string bytes;
  append_be(bytes, static_cast<std::int16_t>(name.size()));
  bytes += name;
  append_be(bytes, static_cast<std::int32_t>(value.size()));
  bytes += value;
  return bytes;
}

TEST_CASE("a JSON header may leave out everything", "[protocol][codec]") {
  const std::string frame = json_frame("{}", "tail");
  const auto command = decode_frame(frame);
  REQUIRE(command);
  CHECK(command->code == 0);
  CHECK(command->opaque == 0);
  CHECK(command->flag == 0);
  CHECK(command->version == 0);
  CHECK(command->language == Language::java);
  CHECK(command->remark.empty());
  CHECK(command->ext.empty());
  CHECK(command->body.view() == "tail");
}

TEST_CASE("field values of a JSON header may be any scalar", "[protocol][codec]") {
  const std::string frame = json_frame(
      R"( {'code':"11", "extFields":{"d":4,k:false,"n":-1.5e3,'q':'it\'s',"z":null,"e":"","u":"\u0001\u4e2d\/","x":{"a":[1,"}"]},"y":[],},)"
      R"("opaque":+9,"flag":null,"language":3,"version":99999,"remark":"a\nb","other":{"deep":[{"er":"]"},2]},bare:nothing,} )");
  const auto command = decode_frame(frame);
  REQUIRE(command);
  CHECK(command->code == 11);
  CHECK(command->opaque == 9);
  CHECK(command->flag == 0);
  CHECK(command->language == Language::python);
  CHECK(command->version == 32767);
  CHECK(command->remark == "a\nb");
  const std::map<std::string, std::string> fields = {{"d", "4"},    {"k", "false"}, {"n", "-1.5e3"},
                                                     {"q", "it's"}, {"e", ""},      {"u", "\x01\xE4\xB8\xAD/"}};
  CHECK(test::text_fields(*command) == fields);
}

TEST_CASE("a run of plain fields of a JSON header may be broken by any other", "[protocol][codec]") {
  const std::string frame = json_frame(
      R"({"extFields":{"a":"1","b":"\u0001x\u007f\u0080\u00e4","":"","c":"2", "d":"3","e" :"4","f":5,"g":null,"h":"\"","i\u0041":"6",)"
      R"("j":'7',"k":"8","k":"9"},"flag":1,"version":1234567890123})");
  const auto command = decode_frame(frame);
  REQUIRE(command);
  const std::map<std::string, std::string> fields = {{"a", "1"},  {"b", "\x01x\x7F\xC2\x80\xC3\xA4"},
                                                     {"", ""},    {"c", "2"},
                                                     {"d", "3"},  {"e", "4"},
                                                     {"f", "5"},  {"h", "\""},
                                                     {"iA", "6"}, {"j", "7"},
                                                     {"k", "9"}};
  CHECK(test::text_fields(*command) == fields);
  CHECK(command->flag == 1);
  for (const char* const broken :
       {R"({"extFields":{"a":"1","b")", R"({"extFields":{"a":"1","b":)", R"({"extFields":{"a":"1","b":")", R"({"extFields":{"a":"1",")",
        R"({"extFields":{"a":"1","b":"\u000"}})", R"({"extFields":{"a":"1","b":"2)", R"({"extFields":{"a":"1","b":"2"")",
        R"({"extFields":{"a":"1","b":"\u00g1"}})"}) {
    CHECK_FALSE(decode_frame(json_frame(broken)));
  }
}

TEST_CASE("languages are known by name and by number", "[protocol][codec]") {
  const std::pair<const char*, Language> cases[] = {{R"("GO")", Language::go},           {"9", Language::go},
                                                    {R"("NODE_JS")", Language::node_js}, {"14", Language::unknown},
                                                    {R"("COBOL")", Language::unknown},   {"null", Language::unknown}};
  for (const auto& [text, language] : cases) {
    const auto command = decode_frame(json_frame("{\"language\":" + std::string(text) + "}"));
    REQUIRE(command);
    CHECK(command->language == language);
  }
}

TEST_CASE("broken JSON headers are refused", "[protocol][codec]") {
  const char* const cases[] = {
      "",    // Nothing.
      "[]",  // No object.
      "\"text\"",
      "{",  // Cut short in every place.
      "{\"code\"",
      "{\"code\":",
      "{\"code\":1",
      "{\"code\":1,\"extFields\":{",
      "{\"code\":1,\"extFields\":{\"a\":\"b\"",
      "{\"code\":1,\"extFields\":{\"a\":\"b\"}",
      "{\"code\":\"open}",
      "{\"code\":1}}",  // Something behind.
      "{\"code\":1} x",
      "{\"code\":1.5}",          // No integer.
      "{\"code\":99999999999}",  // No int.
      "{\"code\":\"one\"}",
      "{\"code\":{}}",
      "{\"opaque\":true}",
      "{\"code\" 1}",
      "{\"code\":1 \"flag\":0}",
      "{,}",
      "{\"extFields\":[]}",
      "{\"extFields\":\"text\"}",
      "{\"extFields\":{\"a\":\"\\u12\"}}",  // Broken escapes, in values, names and the remark.
      "{\"extFields\":{\"\\q\":\"b\"}}",
      "{\"remark\":\"\\x1\"}",
      "{\"remark\":{}}",
      "{\"other\":[}",
      "{\"other\":[1,2}",
      "{\"other\":{\"a\":[}",
  };
  for (const char* header : cases) {
    INFO(header);
    CHECK(decode_frame(json_frame(header)).error() == make_error_code(Errc::malformed));
  }
  CHECK_FALSE(decode_frame(json_frame("{\"x\":" + std::string(100'000, '['))));
  CHECK(decode_frame(json_frame("{\"x\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}")));
}

TEST_CASE("request codes cut to 16 bits are made whole again", "[protocol][codec]") {
  for (const RequestCode code :
       {RequestCode::pop_message, RequestCode::ack_message, RequestCode::batch_ack_message, RequestCode::pop_rollback}) {
    RemotingCommand request;
    request.code = to_int(code);
    request.codec = Codec::rocketmq;
    const std::string frame = test::frame_of(request);
    CHECK(test::decode_whole_frame(frame)->code == to_int(code));
  }
  RemotingCommand response;
  REQUIRE(decode_rocketmq_header(binary_header(3442, kFlagResponse, {}), response));
  CHECK(response.code == 3442);
}

TEST_CASE("of binary entries with one name the last wins, and empty ones are allowed", "[protocol][codec]") {
  const std::string header = binary_header(-1000, 1, entry("a", "1") + entry("a", "2") + entry("", "x") + entry("b", ""));
  RemotingCommand command;
  REQUIRE(decode_rocketmq_header(header, command));
  CHECK(command.code == -1000);
  CHECK(command.ext.integer("a") == 2);
  CHECK(command.ext.text("b") == "");
  CHECK(command.ext.size() == 3);
}

TEST_CASE("broken binary headers are refused", "[protocol][codec]") {
  const std::string good = binary_header(10, 0, entry("topic", "T"));
  for (std::size_t size = 0; size < good.size(); ++size) {
    RemotingCommand command;
    INFO("cut to " << size);
    CHECK_FALSE(decode_rocketmq_header(std::string_view(good).substr(0, size), command));
  }
  const std::size_t remark_size_at = 13, fields_size_at = 17, name_size_at = 21, value_size_at = 28;
  for (const std::size_t at : {remark_size_at, fields_size_at, value_size_at}) {
    for (const std::int32_t size : {-1, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), 1000}) {
      std::string bad = good;
      store_be(bad.data() + at, size);
      RemotingCommand command;
      INFO("length " << size << " at " << at);
      CHECK_FALSE(decode_rocketmq_header(bad, command));
    }
  }
  for (const std::int16_t size : {std::int16_t{-1}, std::int16_t{32767}, std::int16_t{6}}) {
    std::string bad = good;
    store_be(bad.data() + name_size_at, size);
    RemotingCommand command;
    CHECK_FALSE(decode_rocketmq_header(bad, command));
  }
}

RemotingCommand typed_command() {
  RemotingCommand command;
  command.code = to_int(RequestCode::pop_message);
  command.opaque = -5;
  command.flag = kFlagOneWay;
  command.version = -2;
  command.remark = "why \xE4\xB8\xAD";
  command.codec = Codec::flatbuffers;
  command.ext.add_view("topic", "first");
  command.ext.add_integer("queueOffset", std::numeric_limits<std::int64_t>::min());
  command.ext.add_boolean("batch", true);
  command.ext.add_boolean("unitMode", false);
  command.ext.add_view("nobody knows", "this name");
  command.ext.add_integer("nor this", 17);
  command.ext.add_view("properties", std::string_view("a\x01"
                                                      "b\0c",
                                                      5));
  command.ext.add_integer("topic", 5);
  command.ext.add_view("topic", "last");
  return command;
}

TEST_CASE("type 2 carries types, unknown names and the last of duplicates", "[protocol][codec]") {
  const std::string frame = test::frame_of(typed_command());
  const auto command = test::decode_whole_frame(frame);
  REQUIRE(command);
  CHECK(test::describe(*command) == test::describe(typed_command()));
  CHECK(command->ext.find("queueOffset")->kind == ExtFields::Kind::integer);
  CHECK(command->ext.find("batch")->kind == ExtFields::Kind::boolean);
  CHECK(command->ext.text("topic") == "last");
  CHECK(command->ext.size() == 7);
}

TEST_CASE("type 2 is read at any address", "[protocol][codec]") {
  const std::string frame = test::frame_of(typed_command());
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const auto memory = std::make_unique<std::uint64_t[]>(frame.size() / 8 + 2);
    char* at = reinterpret_cast<char*>(memory.get()) + shift;
    std::memcpy(at, frame.data(), frame.size());
    const auto command = test::decode_whole_frame({at, frame.size()});
    REQUIRE(command);
    CHECK(test::describe(*command) == test::describe(typed_command()));
  }
}

TEST_CASE("type 2 cut short or with a byte changed is refused or read, and no more than that", "[protocol][codec]") {
  std::string header;
  encode_flatbuffers_header(typed_command(), header);
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < header.size() / 2; ++size) {
    RemotingCommand command;
    if (decode_flatbuffers_header(std::string_view(header).substr(0, size), command)) ++accepted;
  }
  CHECK(accepted == 0);
  std::size_t decoded_bytes = 0;
  for (std::size_t at = 0; at < header.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string changed = header;
      changed[at] = static_cast<char>(changed[at] ^ change);
      RemotingCommand command;
      if (decode_flatbuffers_header(changed, command)) decoded_bytes += test::describe(command).size();
    }
  }
  CHECK(decoded_bytes > 0);
}

TEST_CASE("numbers of field names are unique and never change", "[protocol][codec]") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < field_names::kCount; ++i) {
    const std::string_view name = field_names::kNames[i];
    CHECK(names.insert(name).second);
    CHECK(field_names::id_of(name) == i + 1);
    CHECK(field_names::name_of(static_cast<std::uint16_t>(i + 1)) == name);
  }
  CHECK(field_names::id_of("no such field") == 0);
  CHECK(field_names::id_of("") == 0);
  CHECK(field_names::name_of(0).empty());
  CHECK(field_names::name_of(static_cast<std::uint16_t>(field_names::kCount + 1)).empty());
  // Wire format: these were given out and peers rely on them.
  const std::pair<std::string_view, int> pinned[] = {{"producerGroup", 1}, {"n", 28},       {"msgId", 29},         {"nextBeginOffset", 54},
                                                     {"bornHost", 135},    {"codecs", 129}, {"consumerGroup", 45}, {"orderCountInfo", 150}};
  for (const auto& [name, id] : pinned) CHECK(field_names::id_of(name) == id);
}

TEST_CASE("frames that cannot be are refused", "[protocol][codec]") {
  using namespace std::string_literals;
  const std::string cases[] = {
      ""s,
      "\0"s,
      "\0\0\0"s,
      "\0\0\0\1"s,  // A header longer than the frame.
      "\0\xFF\xFF\xFF{}"s,
      "\0\0\0\0body"s,  // No JSON header at all.
      "\1\0\0\0"s,
      "\2\0\0\0"s,
      "\2\0\0\x08\0\0\0\0\0\0\0\0"s,
      "\3\0\0\2{}"s,  // Codecs that do not exist.
      "\xFF\0\0\2{}"s,
      "GET / HTTP/1.1"s,
  };
  for (const std::string& frame : cases) {
    INFO(test::to_hex(frame));
    CHECK(decode_frame(frame).error() == make_error_code(Errc::malformed));
  }
}

TEST_CASE("a frame's length words count header and body", "[protocol][codec]") {
  RemotingCommand command;
  command.body = Body(std::vector<PinnedSlice>{{"one ", nullptr}, {"two", nullptr}});
  for (const Codec codec : test::kAllCodecs) {
    command.codec = codec;
    std::string out = "kept";
    encode_frame_head(command, out);
    const std::size_t head_size = out.size() - 4;
    CHECK(load_be<std::uint32_t>(out.data() + 4) == head_size - 4 + 7);
    CHECK(load_be<std::uint32_t>(out.data() + 8) == (static_cast<std::uint32_t>(codec) << 24 | (head_size - 8)));
    const std::string frame = test::frame_of(command);
    CHECK(frame.size() == head_size + 7);
    CHECK(test::decode_whole_frame(frame)->body.view() == "one two");
  }
}

TEST_CASE("a response whose header cannot be said becomes a short error", "[protocol][codec]") {
  RemotingCommand request;
  request.opaque = 77;
  RemotingCommand response = make_response(request, 0, std::string(3 << 20, '\x01'));
  const std::string frame = test::frame_of(response);
  const auto command = test::decode_whole_frame(frame);
  REQUIRE(command);
  CHECK(command->opaque == 77);
  CHECK(command->code == 1);
  CHECK(command->remark == "header too large");
}

}  // namespace
}  // namespace skylark
