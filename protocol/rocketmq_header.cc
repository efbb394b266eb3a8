// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <limits>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/detail/text_writer.h"
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

void put_field(detail::TextWriter& out, const ExtFields::Entry& entry) {
  if (entry.name.empty() || entry.name.size() > static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max())) return;
  switch (entry.kind) {
    case ExtFields::Kind::text: return out.put_entry(entry.name, entry.text);
    case ExtFields::Kind::boolean: return out.put_entry(entry.name, entry.number != 0 ? "true" : "false");
    case ExtFields::Kind::integer: return out.put_entry(entry.name, entry.number);
  }
}

/// Entries of counted name and counted value. False when one does not end within `bytes`; a negative size is larger than any.
bool decode_fields(std::string_view bytes, ExtFields& into) {
  constexpr std::size_t kSizes = sizeof(std::int16_t) + sizeof(std::int32_t);
  while (!bytes.empty()) {
    if (bytes.size() < kSizes) return false;
    const auto name_size = static_cast<std::size_t>(load_be<std::int16_t>(bytes.data()));
    if (name_size > bytes.size() - kSizes) return false;
    const char* const name = bytes.data() + sizeof(std::int16_t);
    const auto value_size = static_cast<std::size_t>(load_be<std::int32_t>(name + name_size));
    if (value_size > bytes.size() - kSizes - name_size) return false;
    if (name_size != 0) into.add_view({name, name_size}, {name + name_size + sizeof(std::int32_t), value_size});
    bytes.remove_prefix(kSizes + name_size + value_size);
  }
  return true;
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
  const std::string_view fields = reader.take(reader.read<std::int32_t>());
  if (!reader.ok()) return make_error_code(Errc::malformed);
  if (!into.is_response()) into.code = widened(into.code);
  return decode_fields(fields, into.ext) ? Result<void>() : make_error_code(Errc::malformed);
}

void encode_rocketmq_header(const RemotingCommand& command, std::string& into) {
  constexpr std::size_t kFixedSize = 21;  // What stands in front of the entries, without the remark.
  const std::size_t fields_begin = into.size() + kFixedSize + command.remark.size();
  detail::TextWriter out(into);
  out.put_be(static_cast<std::int16_t>(command.code));
  out.put_be(static_cast<std::int8_t>(command.language));
  out.put_be(command.version);
  out.put_be(command.opaque);
  out.put_be(command.flag);
  out.put_be(static_cast<std::int32_t>(command.remark.size()));
  out.put(command.remark);
  out.put_be(std::int32_t{0});  // Their size, known behind them.
  for (const ExtFields::Entry& entry : command.ext) put_field(out, entry);
  out.finish();
  store_be(into.data() + fields_begin - 4, static_cast<std::int32_t>(into.size() - fields_begin));
}

}  // namespace skylark
