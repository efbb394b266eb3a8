// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/remoting_command.h"
#include "protocol/response_code.h"

namespace skylark {
namespace {

constexpr std::size_t kPrefixSize = 8;  // Length word, then T and the header length in one word.
constexpr std::size_t kHeaderSizeMax = 0xFFFFFF;

void encode_header_by_codec(const RemotingCommand& command, std::string& out) {
  switch (command.codec) {
    case Codec::json: return encode_json_header(command, out);
    case Codec::rocketmq: return encode_rocketmq_header(command, out);
    case Codec::flatbuffers: return encode_flatbuffers_header(command, out);
  }
}

Result<void> decode_header_by_codec(Codec codec, std::string_view header, RemotingCommand& into) {
  switch (codec) {
    case Codec::json: return decode_json_header(header, into);
    case Codec::rocketmq: return decode_rocketmq_header(header, into);
    case Codec::flatbuffers: return decode_flatbuffers_header(header, into);
  }
  return make_error_code(Errc::malformed);
}

/// Escapes may blow up what a peer sent beyond what a frame can say: its requester still gets an answer.
void encode_oversized_header(const RemotingCommand& command, std::string& out) {
  RemotingCommand bare;
  bare.code = command.is_response() ? to_int(ResponseCode::system_error) : command.code;
  bare.opaque = command.opaque;
  bare.flag = command.flag;
  bare.codec = command.codec;
  bare.remark = "header too large";
  encode_header_by_codec(bare, out);
}

}  // namespace

Result<RemotingCommand> decode_frame(std::string_view frame, DecodeScratch* scratch) {
  Result<RemotingCommand> result;  // Filled in place: a command is large to move.
  if (frame.size() < 4) {
    result = make_error_code(Errc::malformed);
    return result;
  }
  const auto word = load_be<std::uint32_t>(frame.data());
  const std::size_t header_size = word & kHeaderSizeMax;
  frame.remove_prefix(4);
  RemotingCommand& command = *result;
  command.codec = static_cast<Codec>(word >> 24);
  command.ext.lend(scratch);
  const bool whole = header_size <= frame.size() && decode_header_by_codec(command.codec, frame.substr(0, header_size), command);
  command.ext.lend(nullptr);
  command.body = Body::view_of(frame.substr(std::min(header_size, frame.size())));
  if (!whole) result = make_error_code(Errc::malformed);
  return result;
}

void encode_frame_head(const RemotingCommand& command, std::string& out) {
  const std::size_t begin = out.size();
  out.append(kPrefixSize, '\0');
  encode_header_by_codec(command, out);
  if (out.size() - begin - kPrefixSize > kHeaderSizeMax) {
    out.resize(begin + kPrefixSize);
    encode_oversized_header(command, out);
  }
  const std::size_t header_size = out.size() - begin - kPrefixSize;
  store_be(out.data() + begin, static_cast<std::uint32_t>(4 + header_size + command.body.size()));
  store_be(out.data() + begin + 4, static_cast<std::uint32_t>(header_size) | static_cast<std::uint32_t>(command.codec) << 24);
}

void encode_frame(const RemotingCommand& command, std::string& out) {
  encode_frame_head(command, out);
  if (command.body.slices().empty()) {
    out += command.body.view();
    return;
  }
  for (const PinnedSlice& slice : command.body.slices()) out += slice.bytes;
}

}  // namespace skylark
