// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/frame_template.h"

#include <charconv>

#include "base/bytes.h"

namespace skylark::bench {

namespace {

// Ten digits each, no digit and no byte in common at the same place: 0x423A35C7 and 0x7888D58E.
constexpr std::int32_t kOne = 1'111'111'111;
constexpr std::int32_t kOther = 2'022'222'222;

bool holds(const std::string& frame, const NumberPatch& patch, std::int32_t value) {
  std::string copy = frame;
  patch.write(copy.data(), value);
  return copy == frame;
}

std::optional<std::int32_t> number_after(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::int32_t value = 0;
  const char* begin = text.data() + at + name.size();
  if (std::from_chars(begin, text.data() + text.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

void NumberPatch::write(char* frame, std::int32_t value) const noexcept {
  char* to = frame + position;
  auto rest = static_cast<std::uint32_t>(value);
  switch (form) {
    case Form::decimal:
      for (std::size_t i = width; i-- > 0; rest /= 10) to[i] = static_cast<char>('0' + rest % 10);
      return;
    case Form::big_endian: store_be(to, value); return;
    case Form::little_endian: store_be(to, static_cast<std::int32_t>(__builtin_bswap32(rest))); return;
  }
}

std::optional<NumberPatch> locate_number(const std::function<std::string(std::int32_t)>& encode) {
  const std::string one = encode(kOne);
  const std::string other = encode(kOther);
  if (one.size() != other.size()) return std::nullopt;
  std::size_t begin = 0;
  while (begin < one.size() && one[begin] == other[begin]) ++begin;
  std::size_t end = one.size();
  while (end > begin && one[end - 1] == other[end - 1]) --end;
  const std::size_t width = end - begin;
  if (width != 4 && width != 10) return std::nullopt;
  for (const auto form : {NumberPatch::Form::decimal, NumberPatch::Form::big_endian, NumberPatch::Form::little_endian}) {
    const NumberPatch patch{begin, width, form};
    if ((form == NumberPatch::Form::decimal) != (width == 10)) continue;
    if (holds(one, patch, kOne) && holds(other, patch, kOther)) return patch;
  }
  return std::nullopt;
}

// A quote within a JSON text is escaped, so no value can look like one of these names; the answers to sends and pulls have no
// field called code, opaque or flag. What is written in another way is decoded in full.
std::optional<Answer> peek_answer(std::string_view frame) {
  if (frame.size() < 4) return std::nullopt;
  const auto word = load_be<std::uint32_t>(frame.data());
  const std::size_t header_size = word & 0xFFFFFF;
  if (header_size > frame.size() - 4) return std::nullopt;
  const std::string_view header = frame.substr(4, header_size);
  if (word >> 24 == static_cast<std::uint32_t>(Codec::json)) {
    const auto code = number_after(header, "\"code\":");
    const auto opaque = number_after(header, "\"opaque\":");
    const auto flag = number_after(header, "\"flag\":");
    if (code && opaque && flag) return (*flag & kFlagResponse) != 0 ? std::optional(Answer{*code, *opaque}) : std::nullopt;
  }
  if (word >> 24 == static_cast<std::uint32_t>(Codec::rocketmq) && header.size() >= 13) {  // code, language, version, opaque, flag
    if ((load_be<std::int32_t>(header.data() + 9) & kFlagResponse) == 0) return std::nullopt;
    return Answer{load_be<std::int16_t>(header.data()), load_be<std::int32_t>(header.data() + 5)};
  }
  const auto command = decode_frame(frame);
  if (!command || !command->is_response()) return std::nullopt;
  return Answer{command->code, command->opaque};
}

}  // namespace skylark::bench
