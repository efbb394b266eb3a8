// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/protocol/fixtures.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/language.h"

namespace skylark::test {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 0xF];
  }
  return hex;
}

std::vector<json::Value> golden_lines(std::string_view file) {
  std::ifstream in(std::string(SKYLARK_GOLDEN_DIR) + "/remoting/" + std::string(file));
  std::vector<json::Value> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line).value());
  if (lines.empty()) throw std::runtime_error("no golden lines");
  return lines;
}

std::map<std::string, std::string> text_fields(const RemotingCommand& command) {
  std::map<std::string, std::string> fields;
  for (const auto& entry : command.ext) fields[std::string(entry.name)] = command.ext.text(entry.name).value();
  return fields;
}

std::string describe(const RemotingCommand& command) {
  json::Value fields(json::Object{});
  for (const auto& [name, text] : text_fields(command)) fields.set(name, text);
  json::Value all;
  all.set("code", command.code);
  all.set("language", to_text(command.language));
  all.set("version", std::int32_t{command.version});
  all.set("opaque", command.opaque);
  all.set("flag", command.flag);
  all.set("remark", command.remark);
  all.set("fields", std::move(fields));
  all.set("body", to_hex(command.body.to_string()));
  return json::write(all);
}

std::string frame_of(const RemotingCommand& command) {
  std::string frame;
  encode_frame(command, frame);
  return frame;
}

Result<RemotingCommand> decode_whole_frame(std::string_view frame) {
  if (frame.size() < 4 || load_be<std::uint32_t>(frame.data()) != frame.size() - 4) return make_error_code(Errc::malformed);
  return decode_frame(frame.substr(4));
}

std::string reencoded(const RemotingCommand& command, Codec codec) {
  RemotingCommand copy;
  copy.code = command.code;
  copy.language = command.language;
  copy.version = command.version;
  copy.opaque = command.opaque;
  copy.flag = command.flag;
  copy.remark = command.remark;
  for (const auto& entry : command.ext) {
    switch (entry.kind) {
      case ExtFields::Kind::text: copy.ext.add_view(entry.name, entry.text); break;
      case ExtFields::Kind::integer: copy.ext.add_integer(entry.name, entry.number); break;
      case ExtFields::Kind::boolean: copy.ext.add_boolean(entry.name, entry.number != 0); break;
    }
  }
  copy.body = Body(command.body.to_string());
  copy.codec = codec;
  return frame_of(copy);
}

std::uint64_t random_seed() {
  if (const char* given = std::getenv("SKYLARK_SEED"); given != nullptr) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

}  // namespace skylark::test
