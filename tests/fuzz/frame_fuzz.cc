// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/command_check.h"
#include "tests/fuzz/fuzz.h"

void skylark::fuzz::one_input(std::string_view bytes) {
  if (auto command = decode_frame(bytes)) {
    check_command(*command);
    command->own();
    check_command(*command);
  }
}
