// SPDX-License-Identifier: Apache-2.0
#include "protocol/bodies/register_broker_body.h"

#include <array>
#include <charconv>

#include "base/bytes.h"
#include "protocol/bodies/body.h"
#include "protocol/message.h"

namespace skylark {
namespace {

constexpr std::int32_t kVersion3_0_11 = 37;  // MQVersion.Version.V3_0_11, the first to send the whole body.
constexpr int kCompressionLevel = 9;         // Deflater.BEST_COMPRESSION, RegisterBrokerBody.encode.

void append_counted(std::string& out, std::string_view bytes) {
  append_be(out, static_cast<std::int32_t>(bytes.size()));
  out += bytes;
}

/// `<name> <read> <write> <perm> <filter type> <attributes>`. Source: TopicConfig.encode.
std::string topic_line(const TopicConfig& topic) {
  std::string line = topic.name;
  for (const std::int32_t number : {topic.read_queues, topic.write_queues, topic.perm}) line += ' ', line += std::to_string(number);
  line += ' ';
  line += topic.multi_tag ? "MULTI_TAG" : "SINGLE_TAG";
  if (!topic.attributes.empty()) line += ' ', line += json::write(detail::object_of(topic.attributes));
  return line;
}

bool read_number(std::string_view text, std::int32_t& into) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && stop == text.data() + text.size();
}

/// Lines of another count of items are refused; attributes that are no JSON are dropped.
Result<TopicConfig> topic_from_line(std::string_view line) {
  std::array<std::string_view, 6> items;
  std::size_t count = 0;
  while (count < items.size()) {
    const std::size_t space = line.find(' ');
    items[count++] = line.substr(0, space);
    if (space == std::string_view::npos) break;
    line.remove_prefix(space + 1);
  }
  TopicConfig topic;
  topic.name = items[0];
  if (count < 5 || topic.name.empty() || !read_number(items[1], topic.read_queues) || !read_number(items[2], topic.write_queues) ||
      !read_number(items[3], topic.perm)) {
    return make_error_code(Errc::malformed);
  }
  topic.multi_tag = items[4] == "MULTI_TAG";
  if (count < 6) return topic;
  const Result<json::Value> attributes = json::parse(items[5]);
  if (!attributes) return topic;
  for (const auto& [key, value] : attributes->members()) topic.attributes[key.as_string()] = value.as_string();
  return topic;
}

}  // namespace

RegisterBrokerBody RegisterBrokerBody::from_json(const json::Value& value) {
  return {.filter_servers = detail::strings_from(value["filterServerList"]),
          .topics = TopicConfigTable::from_json(value["topicConfigSerializeWrapper"])};
}

json::Value RegisterBrokerBody::to_json() const {
  json::Value out;
  out.set("filterServerList", detail::array_of(filter_servers));
  out.set("topicConfigSerializeWrapper", topics.to_json_with_mapping());
  return out;
}

std::string RegisterBrokerBody::encode_compressed() const {
  std::string plain;
  append_counted(plain, encode_body(topics.version));
  append_be(plain, static_cast<std::int32_t>(topics.topics.size()));
  for (const auto& [name, topic] : topics.topics) append_counted(plain, topic_line(topic));
  append_counted(plain, json::write(detail::array_of(filter_servers)));
  append_be<std::int32_t>(plain, 0);  // Static topics; a sender of our version must say that there are none.
  return compress_zlib(plain, kCompressionLevel);
}

Result<RegisterBrokerBody> RegisterBrokerBody::decode_compressed(std::string_view bytes, std::size_t size_max) {
  const Result<std::string> plain = decompress_zlib(bytes, size_max);
  if (!plain) return plain.error();
  ByteReader reader(*plain);
  const auto take_counted = [&reader] { return reader.take(reader.read<std::int32_t>()); };

  RegisterBrokerBody body;
  Result<DataVersion> version = decode_body<DataVersion>(take_counted());
  if (!version) return version.error();
  body.topics.version = *version;
  const auto topic_count = reader.read<std::int32_t>();
  for (std::int32_t i = 0; i < topic_count && reader.ok(); ++i) {
    Result<TopicConfig> topic = topic_from_line(take_counted());
    if (!topic) return topic.error();
    std::string name = topic->name;
    body.topics.topics.insert_or_assign(std::move(name), std::move(*topic));
  }
  const Result<json::Value> filter_servers = json::parse(take_counted());
  if (!reader.ok() || topic_count < 0 || !filter_servers) return make_error_code(Errc::malformed);
  body.filter_servers = detail::strings_from(*filter_servers);
  return body;  // What follows describes static topics.
}

Result<RegisterBrokerBody> decode_register_broker_body(std::string_view body, bool compressed, std::int32_t sender_version) {
  if (body.empty()) return RegisterBrokerBody{};
  if (compressed) return RegisterBrokerBody::decode_compressed(body);
  if (sender_version >= kVersion3_0_11) return decode_body<RegisterBrokerBody>(body);
  Result<TopicConfigTable> table = decode_body<TopicConfigTable>(body);
  if (!table) return table.error();
  RegisterBrokerBody whole;
  whole.topics = std::move(*table);
  return whole;
}

}  // namespace skylark
