// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <exception>

#include <fmt/format.h>

#include "base/program.h"
#include "tools/bench/load_runner.h"
#include "tools/bench/options.h"
#include "tools/bench/report.h"
#include "tools/bench/requests.h"

namespace {

using namespace skylark;
using namespace skylark::bench;

constexpr const char* kProgram = "mqbench";

void store_messages(const Options& options) {
  Options preload = options;
  preload.load = Load::produce;
  preload.count = options.preload;
  preload.warm_up_seconds = 0;
  preload.broker_pid = 0;
  preload.codec = Codec::json;
  preload.in_flight = 32;
  const Measurement stored = LoadRunner(preload, make_sends(preload)).run();
  if (stored.messages < options.preload) throw BenchError(fmt::format("{} sends were refused (code {})", stored.refused, stored.refusal_code));
}

void run(const Options& options) {
  if (options.create_topics) {
    Connection connection(options.host, options.port);
    create_topics(connection, options);
  }
  if (options.load == Load::pull) store_messages(options);
  const Measurement measured = LoadRunner(options, options.load == Load::pull ? make_pulls(options) : make_sends(options)).run();
  announce(options.json ? to_json(options, measured) : to_table(options, measured));
  if (measured.messages == 0) throw BenchError(fmt::format("no message went through ({} refused, last code {})", measured.refused, measured.refusal_code));
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
