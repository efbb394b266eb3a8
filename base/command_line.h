// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>

#include "base/program.h"

namespace skylark {

/// Reads the flags into what was bound to them. The exit code when the program is not to go on: 0 after help, which has been printed,
/// `kExitRefused` after bad flags. For `main` alone.
[[nodiscard]] inline std::optional<int> parse_command_line(CLI::App& app, std::string_view program, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return refuse_to_start(program, error.what());
  }
}

}  // namespace skylark
