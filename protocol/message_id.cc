// SPDX-License-Identifier: Apache-2.0
#include "protocol/message_id.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <random>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/message.h"

namespace skylark {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0xF];
  }
  return text;
}

/// Eight digits at once: a nibble in each byte, then those above 9 moved on to the letters.
void put_hex(std::uint32_t value, char* out) noexcept {
  std::uint64_t nibbles = value;
  nibbles = (nibbles << 16 | nibbles) & 0x0000FFFF0000FFFF;
  nibbles = (nibbles << 8 | nibbles) & 0x00FF00FF00FF00FF;
  nibbles = (nibbles << 4 | nibbles) & 0x0F0F0F0F0F0F0F0F;
  const std::uint64_t letters = (nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101;
  store_be(out, nibbles + 0x3030303030303030 + letters * ('A' - '0' - 10));
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Where the current month begins, in local time, and where it ends; milliseconds since the epoch.
struct Month {
  std::int64_t begin_ms;
  std::int64_t end_ms;
};

Month month_of(std::int64_t now_ms) {
  const auto seconds = static_cast<std::time_t>(now_ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::tm first{};
  first.tm_year = local.tm_year;
  first.tm_mon = local.tm_mon;
  first.tm_mday = 1;
  first.tm_isdst = -1;
  std::tm next = first;
  ++next.tm_mon;
  return {static_cast<std::int64_t>(std::mktime(&first)) * 1000, static_cast<std::int64_t>(std::mktime(&next)) * 1000};
}

std::int64_t ms_since_month_began(std::int64_t now_ms) {
  thread_local Month month = month_of(now_ms);
  if (now_ms < month.begin_ms || now_ms >= month.end_ms) month = month_of(now_ms);
  return now_ms - month.begin_ms;
}

}  // namespace

OffsetMessageIdText::OffsetMessageIdText(const Host& store_host, std::int64_t physical_offset) noexcept {
  std::array<char, 28> bytes;
  char* end = std::copy_n(reinterpret_cast<const char*>(store_host.address.data()), store_host.size, bytes.data());
  store_be(end, store_host.port);
  store_be(end + sizeof store_host.port, physical_offset);
  end += sizeof store_host.port + sizeof physical_offset;
  size_ = 2 * static_cast<std::size_t>(end - bytes.data());
  static_assert(decltype(digits_){}.size() >= 2 * bytes.size());
  static_assert(sizeof store_host.port == 4, "every id has whole words of four bytes");
  for (std::size_t at = 0; 2 * at < size_; at += 4) put_hex(load_be<std::uint32_t>(bytes.data() + at), digits_.data() + 2 * at);
}

std::string make_offset_message_id(const Host& store_host, std::int64_t physical_offset) {
  return std::string(OffsetMessageIdText(store_host, physical_offset).view());
}

Result<OffsetMessageId> parse_offset_message_id(std::string_view text) {
  constexpr std::size_t kDigitsV4 = 32, kDigitsV6 = 56;
  if (text.size() != kDigitsV4 && text.size() != kDigitsV6) return make_error_code(Errc::malformed);
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return make_error_code(Errc::malformed);
    bytes += static_cast<char>(high * 16 + low);
  }
  OffsetMessageId id;
  id.host.size = text.size() == kDigitsV6 ? 16 : 4;
  ByteReader reader(bytes);
  const std::string_view address = reader.take(id.host.size);
  for (std::size_t i = 0; i < address.size(); ++i) id.host.address[i] = static_cast<std::uint8_t>(address[i]);
  id.host.port = reader.read<std::int32_t>();
  id.physical_offset = reader.read<std::int64_t>();
  return id;
}

std::string make_unique_key(const Host& own_host) {
  static const std::int32_t instance = static_cast<std::int32_t>(std::random_device{}());
  static std::atomic<std::uint16_t> counter{0};
  using namespace std::chrono;
  const std::int64_t now_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  std::string bytes(reinterpret_cast<const char*>(own_host.address.data()), own_host.size);
  append_be(bytes, static_cast<std::uint16_t>(getpid()));
  append_be(bytes, instance);
  append_be(bytes, static_cast<std::uint32_t>(ms_since_month_began(now_ms)));
  append_be(bytes, counter.fetch_add(1, std::memory_order_relaxed));
  return to_hex(bytes);
}

}  // namespace skylark
