// SPDX-License-Identifier: Apache-2.0
// Measures the message store without network: append, dispatch, read, recovery, many queues. docs/performance-store.md has results.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/bench/store/bench_store.h"
#include "tests/bench/store/measure.h"

int main(int argc, char** argv) {
  using namespace skylark::bench;
  Scale scale;
  std::string folder = std::filesystem::temp_directory_path().string();
  std::string output = "table";
  std::vector<std::string> parts;
  bool smoke = false;
  CLI::App app{"Measures the message store: rates with the processor time of the whole process beside them"};
  app.add_option("parts", parts, "append, dispatch, read, recovery, queues; all when none is named")
      ->check(CLI::IsMember({"append", "dispatch", "read", "recovery", "queues"}));
  app.add_option("--folder", folder, "Where stores are made; decides which disk is measured")->capture_default_str();
  app.add_option("-o,--output", output, "table or json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
  app.add_option("--seconds", scale.append_seconds, "For each append cell")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--queues", scale.queues, "Numbers of queues, one message each")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--recovery-bytes", scale.recovery_bytes, "Logs that are recovered")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--read-bytes", scale.read_bytes, "Log that is read")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_flag("--smoke", smoke, "Tiny sizes: checks that the counts add up and measures nothing");
  CLI11_PARSE(app, argc, argv);
  if (smoke) {
    scale.append_seconds = 3600;  // The count ends it.
    scale.append_count_max = 40;
    scale.dispatch_bytes = 100'000;
    scale.dispatch_queues = {50};
    scale.read_bytes = 300'000;
    scale.recovery_bytes = {300'000};
    scale.queues = {150};
    scale.log_file_size = 1 << 20;
    scale.small_index = true;
  }

  std::string pattern = folder + "/skylark-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    fmt::print(stderr, "skylark_bench_store: no folder can be made in {}\n", folder);
    return 2;
  }
  scale.folder = pattern;
  int code = 0;
  try {
    const std::string where = machine();
    const auto wanted = [&](const char* part) { return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end(); };
    Rows rows;
    const auto run = [&](const char* part, Rows (*measure)(const Scale&)) {
      if (!wanted(part)) return;
      Rows more = measure(scale);
      if (output == "table") fmt::print("{}\n", to_table(more));
      std::fflush(stdout);
      rows.insert(rows.end(), more.begin(), more.end());
    };
    if (output == "table") fmt::print("{}\n\n", where);
    run("append", measure_append);
    run("dispatch", measure_dispatch);
    run("read", measure_read);
    run("recovery", measure_recovery);
    run("queues", measure_many_queues);
    if (output == "json") fmt::print("{}", to_json(rows, where));
  } catch (const std::exception& failure) {
    fmt::print(stderr, "skylark_bench_store: {}\n", failure.what());
    code = 1;
  }
  std::error_code ignored;
  std::filesystem::remove_all(scale.folder, ignored);
  return code;
}
