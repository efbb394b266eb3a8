// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <csignal>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/program.h"
#include "tools/bench/commands.h"
#include "tools/bench/options.h"
#include "tools/bench/report.h"

namespace {

using namespace skylark;
using namespace skylark::bench;

constexpr const char* kProgram = "mqbench";

using Run = Measurement (*)(const Options&);
constexpr std::array<std::pair<std::string_view, Run>, 9> kCommands{{{"produce", run_produce},
                                                                     {"latency", run_produce},
                                                                     {"pull", run_pull},
                                                                     {"consume", run_consume},
                                                                     {"e2e", run_e2e},
                                                                     {"mixed", run_mixed},
                                                                     {"transactions", run_transactions},
                                                                     {"delay", run_delay},
                                                                     {"nameserver", run_nameserver}}};

void run(const Options& options) {
  for (const auto& [name, command] : kCommands) {
    if (name != options.load) continue;
    const Measurement measured = command(options);
    announce(options.json ? to_json(options, measured) : to_table(options, measured));
    if (measured.messages == 0)
      throw BenchError(fmt::format("no message went through ({} refused, last code {})", measured.refused, measured.refusal_code));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    Options options;
    if (!parse_options(argc, argv, options)) return 0;
    run(options);
    return 0;
  } catch (const UsageError& error) {
    return refuse_to_start(kProgram, error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", kProgram, error.what());
    return 1;
  }
}
