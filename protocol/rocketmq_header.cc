// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/language.h"
#include "protocol/remoting_command.h"
#include "protocol/request_code.h"

// The binary header of RocketMQSerializable.java: fixed numbers, the remark, then entries of counted text.

namespace skylark {
namespace {

/// Codes that do not fit into 16 bits and arrive cut off; no other request code has these low halves.
constexpr std::array kWideCodes = {
    RequestCode::pop_message,  RequestCode::ack_message,  RequestCode::peek_message, RequestCode::change_message_invisibletime,
    RequestCode::notification, RequestCode::polling_info, RequestCode::pop_rollback, RequestCode::batch_ack_message};

std::int32_t widened(std::int32_t code) noexcept {
  for (const RequestCode wide : kWideCodes) {
    if (code == (to_int(wide) & 0xFFFF)) return to_int(wide);
  }
  return code;
}

void append_entry(std::string& out, std::string_view name, std::string_view value) {
  append_be(out, static_cast<std::int16_t>(name.size()));
  out += name;
  append_be(out, static_cast<std::int32_t>(value.size()));
  out += value;
}

void append_field(std::string& out, const ExtFields::Entry& entry) {
  if (entry.name.empty() || entry.name.size() > static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max())) return;
  char digits[24];
  switch (entry.kind) {
    case ExtFields::Kind::text: return append_entry(out, entry.name, entry.text);
    case ExtFields::Kind::boolean: return append_entry(out, entry.name, entry.number != 0 ? "true" : "false");
    case ExtFields::Kind::integer: {
      const auto [end, error] = std::to_chars(digits, digits + sizeof digits, entry.number);
      return append_entry(out, entry.name, {digits, static_cast<std::size_t>(end - digits)});
    }
  }
}

}  // namespace

Result<void> decode_rocketmq_header(std::string_view header, RemotingCommand& into) {
  ByteReader reader(header);
  into.code = reader.read<std::int16_t>();
  into.language = language_from(std::int64_t{reader.read<std::int8_t>()});
  into.version = reader.read<std::int16_t>();
  into.opaque = reader.read<std::int32_t>();
  into.flag = reader.read<std::int32_t>();
  into.remark = reader.take(reader.read<std::int32_t>());
  ByteReader fields(reader.take(reader.read<std::int32_t>()));
  if (!reader.ok()) return make_error_code(Errc::malformed);
  if (!into.is_response()) into.code = widened(into.code);
  while (!fields.rest().empty()) {
    const std::string_view name = fields.take(fields.read<std::int16_t>());
    const std::string_view value = fields.take(fields.read<std::int32_t>());
    if (!fields.ok()) return make_error_code(Errc::malformed);
    if (!name.empty()) into.ext.add_view(name, value);
  }
  return {};
}

void encode_rocketmq_header(const RemotingCommand& command, std::string& out) {
  append_be(out, static_cast<std::int16_t>(command.code));
  append_be(out, static_cast<std::int8_t>(command.language));
  append_be(out, command.version);
  append_be(out, command.opaque);
  append_be(out, command.flag);
  append_be(out, static_cast<std::int32_t>(command.remark.size()));
  out += command.remark;
  const std::size_t size_at = out.size();
  out.append(4, '\0');
  for (const ExtFields::Entry& entry : command.ext) append_field(out, entry);
  store_be(out.data() + size_at, static_cast<std::int32_t>(out.size() - size_at - 4));
}

}  // namespace skylark
