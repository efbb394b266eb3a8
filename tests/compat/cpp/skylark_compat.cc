// SPDX-License-Identifier: Apache-2.0
// Runs the named cases with our own client against a name server that already has a broker, a few at a time, and prints one line
// each: `CASE <name> PASS|FAIL <reason>`.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "tests/compat/cpp/cases.h"
#include "tests/compat/cpp/check.h"

namespace {

using namespace skylark::compat;

using Case = void (*)(CaseContext&);

// The long ones first, so that no thread is left alone with one of them at the end.
const std::vector<std::pair<std::string, Case>> kCases = {
    {"offset-reset-online", offset_reset_online},
    {"offset-reset-offline", offset_reset_offline},
    {"retry-to-dlq", retry_to_dlq},
    {"transaction-check-back", transaction_check_back},
    {"transaction-rollback", transaction_rollback},
    {"rebalance", rebalance},
    {"delay", delay},
    {"transaction-commit", transaction_commit},
    {"pull-seek", pull_seek},
    {"push-orderly", push_orderly},
    {"push-concurrent", push_concurrent},
    {"broadcast", broadcast},
    {"tag-filter", tag_filter},
    {"sql-filter", sql_filter},
    {"send-sync", send_sync},
    {"send-async", send_async},
    {"send-oneway", send_one_way},
    {"send-batch", send_batch},
    {"send-big", send_big},
    {"query-by-id", query_by_id},
    {"query-by-key", query_by_key},
    {"unknown-topic", unknown_topic},
    {"unknown-code", unknown_code},
};

Case find_case(const std::string& name) {
  for (const auto& [known, body] : kCases) {
    if (known == name) return body;
  }
  return nullptr;
}

std::string run(const std::string& name, const std::string& suffix, const std::string& name_servers) {
  if (name == "inner-batch") return "NA this client sets no attributes of a topic; tests/unit/client/records_test.cc takes such records apart";
  const Case body = find_case(name);
  if (body == nullptr) return "FAIL no such case in this program";
  const auto begin = std::chrono::steady_clock::now();
  try {
    CaseContext context(name, suffix, name_servers);
    body(context);
  } catch (const std::exception& failure) {
    std::string reason = failure.what();
    for (char& c : reason) {
      if (c == '\n' || c == '\r') c = ' ';
    }
    return "FAIL " + reason;
  }
  return fmt::format("PASS {:.1f} s", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The compatibility cases with Skylark's own client");
  std::string name_servers, suffix, only;
  std::size_t thread_count = 4;
  app.add_option("--namesrv", name_servers, "One name server, host:port")->required();
  app.add_option("--suffix", suffix, "Ends the names of topics and groups")->required();
  app.add_option("--only", only, "Names of cases, joined by commas");
  app.add_option("--threads", thread_count, "Cases that run at the same time");
  CLI11_PARSE(app, argc, argv);

  std::vector<std::string> names;
  if (only.empty()) {
    for (const auto& [name, body] : kCases) names.push_back(name);
  } else {
    // In the order of the table, which begins with the long ones.
    std::istringstream list(only);
    std::vector<std::string> asked;
    for (std::string name; std::getline(list, name, ',');) asked.push_back(name);
    for (const auto& [name, body] : kCases) {
      if (std::find(asked.begin(), asked.end(), name) != asked.end()) names.push_back(name);
    }
    for (const std::string& name : asked) {
      if (find_case(name) == nullptr) names.push_back(name);
    }
  }

  std::atomic<std::size_t> next{0};
  std::atomic<bool> all_passed{true};
  std::mutex output;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::max<std::size_t>(thread_count, 1); ++i) {
    threads.emplace_back([&] {
      for (std::size_t index = next++; index < names.size(); index = next++) {
        const std::string verdict = run(names[index], suffix, name_servers);
        if (verdict.starts_with("FAIL")) all_passed = false;
        const std::lock_guard lock(output);
        std::cout << "CASE " << names[index] << " " << verdict << std::endl;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return all_passed ? 0 : 1;
}
