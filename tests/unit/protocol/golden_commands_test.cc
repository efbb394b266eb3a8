// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/register_broker_body.h"
#include "protocol/header_codec.h"
#include "protocol/nameserver_headers.h"
#include "base/crc32.h"
#include "protocol/language.h"
#include "tests/support/catch.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark {
namespace {

using test::from_hex;

/// Code that the line states; POP codes, cut to 16 bits by the binary codec, come back whole here.
std::int32_t stated_code(const json::Value& decoded, Codec codec) {
  const std::int32_t code = decoded["code"].as_int32();
  return codec == Codec::rocketmq && code == 3442 ? 200050 : code;
}

TEST_CASE("every golden command decodes to what it states", "[protocol][golden]") {
  const auto lines = test::golden_lines("commands.jsonl");
  CHECK(lines.size() == 75);
  for (const json::Value& line : lines) {
    const json::Value& stated = line["decoded"];
    const Codec codec = line["codec"].as_string() == "JSON" ? Codec::json : Codec::rocketmq;
    INFO(line["name"].as_string() << " " << line["codec"].as_string());
    const std::string frame = from_hex(line["hex"].as_string());
    const Result<RemotingCommand> command = test::decode_whole_frame(frame);
    REQUIRE(command);
    CHECK(command->codec == codec);
    CHECK(command->code == stated_code(stated, codec));
    CHECK(to_text(command->language) == stated["language"].as_string());
    CHECK(command->version == stated["version"].as_int32());
    CHECK(command->opaque == stated["opaque"].as_int32());
    CHECK(command->flag == stated["flag"].as_int32());
    CHECK(command->remark == stated["remark"].as_string());
    std::map<std::string, std::string> fields;
    for (const auto& [name, text] : stated["extFields"].members()) fields[name.as_string()] = text.as_string();
    CHECK(test::text_fields(*command) == fields);
    CHECK(static_cast<std::int64_t>(command->body.size()) == stated["bodyLength"].as_integer(0));
    const std::string body = stated.contains("bodyText") ? stated["bodyText"].as_string() : from_hex(stated["bodyHex"].as_string());
    CHECK(command->body.view() == body);
  }
}

TEST_CASE("every golden command survives each codec", "[protocol][golden]") {
  for (const json::Value& line : test::golden_lines("commands.jsonl")) {
    const std::string frame = from_hex(line["hex"].as_string());
    const Result<RemotingCommand> original = test::decode_whole_frame(frame);
    REQUIRE(original);
    for (const Codec codec : test::kAllCodecs) {
      INFO(line["name"].as_string() << " by codec " << static_cast<int>(codec));
      const std::string again = test::reencoded(*original, codec);
      const Result<RemotingCommand> decoded = test::decode_whole_frame(again);
      REQUIRE(decoded);
      CHECK(decoded->codec == codec);
      CHECK(test::describe(*decoded) == test::describe(*original));
    }
  }
}

TEST_CASE("the golden registration reads the same plain and compressed", "[protocol][golden]") {
  std::vector<RegisterBrokerBody> bodies;
  for (const json::Value& line : test::golden_lines("commands.jsonl")) {
    if (!line["name"].as_string().starts_with("register-broker") || line["name"].as_string().ends_with("response")) continue;
    const std::string frame = from_hex(line["hex"].as_string());
    const auto command = test::decode_whole_frame(frame);
    REQUIRE(command);
    const auto header = decode_header<RegisterBrokerRequestHeader>(*command);
    REQUIRE(header);
    if (header->body_crc32 != 0) CHECK(static_cast<std::int32_t>(crc32_31(command->body.view())) == header->body_crc32);
    const auto body = decode_register_broker_body(command->body.view(), header->compressed, command->version);
    REQUIRE(body);
    bodies.push_back(*body);
  }
  REQUIRE(bodies.size() == 4);
  for (const RegisterBrokerBody& body : bodies) {
    CHECK(body.topics.version == DataVersion{.timestamp = 1700000000000, .counter = 7});
    CHECK(body.topics.topics == bodies.front().topics.topics);
    CHECK(body.topics.topics.at("TBW102").attributes.at("message.type") == "NORMAL");
    CHECK(body.topics.topics.at("TopicTest").write_queues == 8);
  }
}

}  // namespace
}  // namespace skylark
