// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <memory>
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
#include "broker/broker.h"
#include "broker/broker_config.h"
#include "nameserver/embedded_name_server.h"
#include "remoting/io_pool.h"

namespace {

using namespace skylark;

constexpr const char* kProgram = "mqbroker";
constexpr std::uint16_t kNameServerPort = 9876;

struct Flags {
  std::string config_file;
  std::string name_servers;
  std::vector<std::string> assignments;
  std::string print_style;
  bool print = false;
  bool standalone = false;
};

/// File, then environment, then flags: what is given by hand wins. Returns the warnings of the file.
std::vector<std::string> configure(broker::BrokerConfig& settings, const Flags& flags) {
  std::vector<std::string> warnings;
  Config& config = settings.all();
  if (!flags.config_file.empty()) warnings = config.load_file(flags.config_file);
  if (const char* address = std::getenv("NAMESRV_ADDR"); address != nullptr && settings.broker.name_servers.get().empty()) {
    config.set("namesrvAddr", address, Origin::environment);
  }
  for (const auto& assignment : flags.assignments) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos) throw ConfigError(fmt::format("{}: want key=value", assignment));
    config.set(assignment.substr(0, equals), assignment.substr(equals + 1), Origin::flag);
  }
  if (!flags.name_servers.empty()) config.set("namesrvAddr", flags.name_servers, Origin::flag);
  settings.settle();
  if (const auto* pool = config.find("transientStorePoolEnable"); pool != nullptr && pool->text() == "true") {
    warnings.emplace_back(
        "transientStorePoolEnable=true has no effect: messages are written into the mapped files themselves, so a crash of the process "
        "loses "
        "none, and there is no buffer to run out of");
  }
  return warnings;
}

/// Port of the first name server address, for the one inside this process.
std::uint16_t own_name_server_port(const std::string& addresses) {
  if (addresses.empty()) return kNameServerPort;
  const std::string first = addresses.substr(0, addresses.find(';'));
  const auto colon = first.rfind(':');
  const int port = colon == std::string::npos ? 0 : std::atoi(first.c_str() + colon + 1);
  if (port <= 0 || port > 65535) throw ConfigError(fmt::format("namesrvAddr: '{}' has no port", first));
  return static_cast<std::uint16_t>(port);
}

std::unique_ptr<nameserver::EmbeddedNameServer> start_name_server(broker::BrokerConfig& settings, FileSystem& files, Clock& clock,
                                                                  remoting::IoPool& pool) {
  const std::uint16_t port = own_name_server_port(settings.broker.name_servers.get());
  auto server = std::make_unique<nameserver::EmbeddedNameServer>(port, settings.store.root.get() + "/namesrv", files, clock, pool);
  if (const auto started = server->start(); !started) {
    throw broker::StartError(fmt::format("the name server cannot listen on port {}: {}", port, started.error().message()));
  }
  if (settings.broker.name_servers.get().empty())
    settings.broker.name_servers.set_value(fmt::format("127.0.0.1:{}", server->port()), Origin::flag);
  announce(fmt::format("The Name Server boot success. serializeType=JSON, address 0.0.0.0:{}", server->port()));
  return server;
}

int serve(broker::BrokerConfig& settings, const Flags& flags, const std::vector<std::string>& warnings) {
  const StopSignals signals;
  log::open(settings.broker.log_dir.get(), "broker.log", false);
  for (const auto& warning : warnings) log::warn("{}", warning);

  SystemClock clock;
  const auto files = make_disk_file_system();
  remoting::IoPool pool(static_cast<std::size_t>(settings.broker.io_threads.get()));
  std::unique_ptr<nameserver::EmbeddedNameServer> name_server;
  if (flags.standalone) name_server = start_name_server(settings, *files, clock, pool);

  broker::Broker broker(settings, *files, clock, pool);
  broker.start();
  const std::string name_servers = settings.broker.name_servers.get();
  const auto ready = fmt::format("The broker[{}, {}] boot success. serializeType=JSON{}", broker.identity().name, broker.identity().address,
                                 name_servers.empty() ? "" : fmt::format(" and name server is {}", name_servers));
  log::info("{}", ready);
  announce(ready);

  const int signal = signals.wait();
  log::info("stopping on signal {}", signal);
  broker.stop();
  if (name_server) name_server->stop();
  pool.stop();
  log::info("stopped");
  log::flush();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("RocketMQ broker: stores and serves messages.", kProgram);
  app.add_option("-c,--configFile", flags.config_file, "broker.conf: Java properties file with the settings");
  app.add_option("-n,--namesrvAddr", flags.name_servers, "name servers, host:port separated by semicolons");
  app.add_flag("--standalone", flags.standalone, "run a name server in this process, at the port of -n or 9876");
  auto* print = app.add_option("-p,--print-config,--printConfigItem", flags.print_style,
                               "print all settings and exit; markdown: their documentation");
  print->expected(0, 1);
  app.add_option("settings", flags.assignments, "settings as key=value");
  if (const auto ended = parse_command_line(app, kProgram, argc, argv)) return *ended;
  flags.print = print->count() != 0;

  try {
    broker::BrokerConfig settings;
    if (flags.print && flags.print_style == "markdown") {
      announce(settings.all().print_markdown());
      return 0;
    }
    const auto warnings = configure(settings, flags);
    if (flags.print) {
      announce(settings.all().print());
      return 0;
    }
    return serve(settings, flags, warnings);
  } catch (const std::exception& error) {
    return refuse_to_start(kProgram, error.what());
  }
}
