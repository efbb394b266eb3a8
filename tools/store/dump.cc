// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ostream>

#include <fmt/core.h>

#include "base/error.h"
#include "protocol/json.h"
#include "tools/store/commands.h"
#include "tools/store/log_walk.h"

namespace skylark::tools {
namespace {

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t size = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
    if (size == 0 || i + size > bytes.size()) return false;
    for (std::size_t k = 1; k < size; ++k) {
      if ((static_cast<unsigned char>(bytes[i + k]) & 0xC0) != 0x80) return false;
    }
    i += size;
  }
  return true;
}

/// One line: what would move the cursor or is no text becomes `\xNN`.
std::string printable(std::string_view bytes) {
  const bool text = is_utf8(bytes);
  std::string line;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\')
      line += "\\\\";
    else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !text))
      line += fmt::format("\\x{:02x}", byte);
    else
      line += c;
  }
  return line;
}

void print_text(const MessageView& record, bool intact, BodyAs as, std::string_view body, std::ostream& out) {
  out << fmt::format("{} {} bytes, topic {}, queue {}, offset {}, stored {}, born {} at {}, sysFlag {}, flag {}{}\n",
                     record.physical_offset, record.total_size, printable(record.topic), record.queue_id, record.queue_offset,
                     record.store_timestamp, record.born_timestamp, record.born_host.to_string(), record.sys_flag, record.flag,
                     intact ? "" : ", BODY DAMAGED");
  for (const auto& [name, value] : parse_properties(record.properties)) out << "  " << printable(name) << " = " << printable(value) << '\n';
  if (as == BodyAs::text) out << "  body: " << printable(body) << '\n';
  if (as == BodyAs::hex) out << "  body: " << to_hex(body) << '\n';
}

void set_text(json::Value& object, const char* name, std::string_view bytes) {
  if (is_utf8(bytes))
    object.set(name, bytes);
  else
    object.set(std::string(name) + "Hex", to_hex(bytes));
}

void print_json(const MessageView& record, bool intact, BodyAs as, std::string_view body, std::ostream& out) {
  json::Value object;
  object.set("physicalOffset", record.physical_offset);
  object.set("size", record.total_size);
  set_text(object, "topic", record.topic);
  object.set("queueId", record.queue_id);
  object.set("queueOffset", record.queue_offset);
  object.set("storeTimestamp", record.store_timestamp);
  object.set("bornTimestamp", record.born_timestamp);
  object.set("bornHost", record.born_host.to_string());
  object.set("storeHost", record.store_host.to_string());
  object.set("sysFlag", record.sys_flag);
  object.set("flag", record.flag);
  object.set("reconsumeTimes", record.reconsume_times);
  object.set("preparedTransactionOffset", record.prepared_transaction_offset);
  object.set("bodyCrc", static_cast<std::int64_t>(record.body_crc));
  object.set("intact", intact);
  json::Value properties{json::Object{}};
  for (const auto& [name, value] : parse_properties(record.properties)) {
    if (is_utf8(name) && is_utf8(value))
      properties.set(name, value);
    else
      properties.set(printable(name), printable(value));
  }
  object.set("properties", std::move(properties));
  if (as == BodyAs::text) set_text(object, "body", body);
  if (as == BodyAs::hex) object.set("bodyHex", to_hex(body));
  out << json::write(object, json::IntegerKeys::quoted) << '\n';
}

}  // namespace

Result<int> dump(const StoreOptions& options, const DumpOptions& what, FileSystem& disk, Format format, std::ostream& out) {
  Findings findings;
  const auto files = load_log(options, disk, findings);
  if (!files) return files.error();
  if (!*files) return Errc::malformed;
  const std::int64_t begin = std::max<std::int64_t>((*files)->begin(), 0);
  const std::int64_t from = what.offset < 0 ? begin : what.offset;
  if (from < begin || from > (*files)->end()) return Errc::out_of_range;

  std::int64_t left = what.count_max;
  const auto walked = walk_log(**files, from, [&](const MessageView& record, bool intact) -> Result<void> {
    if (left == 0) return Errc::closed;  // Enough; ends the walk.
    if (!what.topic.empty() && record.topic != what.topic) return {};
    if (what.queue_id >= 0 && record.queue_id != what.queue_id) return {};
    auto clear = decompress_body(record.body, record.sys_flag);
    const std::string_view body = clear ? std::string_view(*clear) : record.body;
    if (format == Format::json)
      print_json(record, intact, what.body, body, out);
    else
      print_text(record, intact, what.body, body, out);
    if (left > 0) --left;
    return {};
  });
  if (!walked && walked.error() == Errc::closed) return kSound;
  if (!walked) return walked.error();
  for (const LogDamage& damage : walked->damage) {
    if (format == Format::json) {
      json::Value object;
      object.set("damageBegin", damage.begin);
      object.set("damageEnd", damage.end);
      object.set("what", damage.what);
      out << json::write(object, json::IntegerKeys::quoted) << '\n';
    } else {
      out << "damage at " << damage.begin << " up to " << damage.end << ": " << damage.what << '\n';
    }
  }
  return walked->damage.empty() ? kSound : kDamaged;
}

}  // namespace skylark::tools
