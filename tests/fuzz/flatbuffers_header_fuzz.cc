// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/command_check.h"
#include "tests/fuzz/fuzz.h"

void skylark::fuzz::one_input(std::string_view bytes) {
  RemotingCommand command;
  if (decode_flatbuffers_header(bytes, command)) check_command(command);
}
