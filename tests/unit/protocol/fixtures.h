// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json.h"
#include "protocol/remoting_command.h"

namespace skylark::test {

[[nodiscard]] std::string from_hex(std::string_view hex);
[[nodiscard]] std::string to_hex(std::string_view bytes);

/// Lines of `tests/golden/remoting/<file>`; throws when there are none.
[[nodiscard]] std::vector<json::Value> golden_lines(std::string_view file);

/// Named fields as text, the last of each name.
[[nodiscard]] std::map<std::string, std::string> text_fields(const RemotingCommand& command);

/// A command as comparable text: everything but the codec.
[[nodiscard]] std::string describe(const RemotingCommand& command);

/// Whole frame, length word included.
[[nodiscard]] std::string frame_of(const RemotingCommand& command);
/// Decodes a whole frame; checks its length word.
[[nodiscard]] Result<RemotingCommand> decode_whole_frame(std::string_view frame);
/// The same command on its way through another codec.
[[nodiscard]] std::string reencoded(const RemotingCommand& command, Codec codec);

inline constexpr Codec kAllCodecs[] = {Codec::json, Codec::rocketmq, Codec::flatbuffers};

/// Seed of a random test: `SKYLARK_SEED` when set, else fresh.
[[nodiscard]] std::uint64_t random_seed();

}  // namespace skylark::test
