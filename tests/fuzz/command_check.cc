// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/command_check.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/protocol/fixtures.h"

namespace skylark::fuzz {
namespace {

/// The binary codec has 16 bits for the code, two bytes for the length of a name, and no empty names; type 2 has none either.
bool can_say(const RemotingCommand& command, Codec codec) {
  if (codec == Codec::json) return true;
  const bool names = std::all_of(command.ext.begin(), command.ext.end(),
                                 [](const auto& entry) { return !entry.name.empty() && entry.name.size() <= 32767; });
  if (codec == Codec::flatbuffers) return names;
  const bool cut_off = command.code != static_cast<std::int16_t>(command.code) || (command.code >= 3442 && command.code <= 3543);
  return names && !cut_off;
}

}  // namespace

void check_command(const RemotingCommand& command) {
  const std::string described = test::describe(command);
  for (const Codec codec : test::kAllCodecs) {
    if (!can_say(command, codec)) continue;
    const std::string frame = test::reencoded(command, codec);
    const auto again = test::decode_whole_frame(frame);
    expect(again.has_value(), "a frame of our own is refused");
    expect(test::describe(*again) == described, "a command differs after encoding");
  }
}

}  // namespace skylark::fuzz
