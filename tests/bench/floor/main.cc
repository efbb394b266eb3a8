// SPDX-License-Identifier: Apache-2.0
// What this machine allows at best, beside which a broker's figures can be read. See ../README.md.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/bench/floor/floor.h"

namespace {

using namespace skylark::bench;

Floor measure(const std::string& part, const std::string& folder, double seconds) {
  if (part == "memcpy") return measure_memcpy(folder, seconds);
  if (part == "fsync") return measure_fsync(folder, seconds);
  return measure_sendfile(folder, seconds);
}

void print(const Floor& floor, bool json) {
  const double rate = static_cast<double>(floor.operations) / floor.seconds;
  fmt::print(fmt::runtime(json ? "{{\"part\": \"{}\", \"rate\": {:.0f}, \"cpuUs\": {:.3f}, \"p50Us\": {:.1f}, \"p99Us\": {:.1f}}}\n"
                               : "{:9} {:>12.0f} /s  CPU {:>8.3f} us  p50 {:>8.1f} us  p99 {:>8.1f} us\n"),
             floor.name, rate, floor.cpu_us, floor.p50_us, floor.p99_us);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> parts;
  std::string folder = std::filesystem::temp_directory_path().string();
  std::string output = "table";
  double seconds = 2;
  std::uint16_t port = 0;
  std::size_t threads = 2;
  CLI::App app{"Measures what this machine allows: the floor under a broker's figures"};
  app.add_option("parts", parts, "memcpy, fsync, sendfile; all when none is named")->check(CLI::IsMember({"memcpy", "fsync", "sendfile"}));
  app.add_option("--folder", folder, "Where files are made; decides which disk is measured")->capture_default_str();
  app.add_option("--seconds", seconds, "For each part")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("-o,--output", output, "table or json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
  app.add_option("--serve", port,
                 "Instead of measuring: serve ROCKETMQ frames on that loopback port, for mqbench --codec rocketmq --no-create");
  app.add_option("--threads", threads, "Of the server")->capture_default_str()->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    if (port != 0) serve_echo(port, threads);
    if (parts.empty()) parts = {"memcpy", "fsync", "sendfile"};
    for (const std::string& part : parts) print(measure(part, folder, seconds), output == "json");
  } catch (const std::exception& failure) {
    fmt::print(stderr, "skylark_bench_floor: {}\n", failure.what());
    return 2;
  }
  return 0;
}
