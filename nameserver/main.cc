// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/command_line.h"
#include "base/config.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/program.h"
#include "nameserver/name_server.h"
#include "nameserver/name_server_config.h"
#include "remoting/io_pool.h"

namespace {

using namespace skylark;

constexpr const char* kProgram = "mqnamesrv";

struct Flags {
  std::string config_file;
  std::string listen_port;
  std::vector<std::string> assignments;
  std::string print_style;
  bool print = false;
};

/// File first, then flags: what is given by hand wins. Returns the warnings of the file.
std::vector<std::string> configure(Config& config, const Flags& flags) {
  std::vector<std::string> warnings;
  if (!flags.config_file.empty()) warnings = config.load_file(flags.config_file);
  for (const auto& assignment : flags.assignments) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos) throw ConfigError(fmt::format("{}: want key=value", assignment));
    config.set(assignment.substr(0, equals), assignment.substr(equals + 1), Origin::flag);
  }
  if (!flags.listen_port.empty()) config.set("listenPort", flags.listen_port, Origin::flag);
  return warnings;
}

int serve(nameserver::NameServerConfig& settings, Config& config, const std::vector<std::string>& warnings) {
  const StopSignals signals;
  log::open(settings.log_dir.get(), "namesrv.log", false);
  for (const auto& warning : warnings) log::warn("{}", warning);

  SystemClock clock;
  const auto files = make_disk_file_system();
  remoting::IoPool pool;
  nameserver::NameServer server({settings, config, *files, clock, pool});
  if (const auto started = server.start(); !started) {
    return refuse_to_start(kProgram, fmt::format("cannot listen on {}:{}: {}", settings.bind_address.get(), settings.listen_port.get(), started.error().message()));
  }
  const auto ready = fmt::format("The Name Server boot success. serializeType=JSON, address {}:{}", settings.bind_address.get(), server.port());
  log::info("{}", ready);
  announce(ready);

  const int signal = signals.wait();
  log::info("stopping on signal {}", signal);
  server.stop();
  pool.stop();
  log::info("stopped");
  log::flush();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  std::string ignored;
  CLI::App app("RocketMQ name server: the directory of brokers.", kProgram);
  app.add_option("-c,--configFile", flags.config_file, "Java properties file with the settings");
  app.add_option("--listen-port", flags.listen_port, "port to listen on, instead of listenPort");
  app.add_option("-n,--namesrvAddr", ignored, "accepted as Java does, without effect");
  auto* print = app.add_option("-p,--print-config,--printConfigItem", flags.print_style, "print all settings and exit; markdown: their documentation");
  print->expected(0, 1)->check(CLI::IsMember({"text", "markdown"}));
  app.add_option("settings", flags.assignments, "settings as key=value");
  if (const auto ended = parse_command_line(app, kProgram, argc, argv)) return *ended;
  flags.print = print->count() != 0;

  try {
    nameserver::NameServerConfig settings;
    Config config({&settings});
    if (flags.print && flags.print_style == "markdown") {
      announce(config.print_markdown());
      return 0;
    }
    const auto warnings = configure(config, flags);
    if (flags.print) {
      announce(config.print());
      return 0;
    }
    return serve(settings, config, warnings);
  } catch (const std::exception& error) {
    return refuse_to_start(kProgram, error.what());
  }
}
