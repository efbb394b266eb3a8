// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/system_call_trace.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

#include "tools/bench/options.h"

namespace skylark::bench {

namespace {

constexpr auto kAttachPatience = std::chrono::seconds(10);

/// Whether some tracer holds the process.
bool is_traced(std::int64_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("TracerPid:")) return std::strtol(line.c_str() + 10, nullptr, 10) != 0;
  }
  return false;
}

}  // namespace

SystemCallTrace::SystemCallTrace(std::int64_t pid) {
  std::string folder = (std::filesystem::temp_directory_path() / "mqbench-strace-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw BenchError("no temporary folder for strace");
  folder_ = folder;
  const std::string traced = std::to_string(pid);
  const std::string out = folder_ + "/summary";
  strace_ = ::fork();
  if (strace_ < 0) throw BenchError("fork failed");
  if (strace_ == 0) {
    const int nothing = ::open("/dev/null", O_WRONLY);
    ::dup2(nothing, STDERR_FILENO);
    ::execlp("strace", "strace", "-f", "-c", "-qq", "-p", traced.c_str(), "-o", out.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const auto give_up = std::chrono::steady_clock::now() + kAttachPatience;
  while (!is_traced(pid)) {
    if (::waitpid(strace_, nullptr, WNOHANG) == strace_ || std::chrono::steady_clock::now() > give_up) {
      if (std::chrono::steady_clock::now() <= give_up) strace_ = -1;
      end();
      throw BenchError("--trace-system-calls: strace is missing or may not attach to the process");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

SystemCallTrace::~SystemCallTrace() { end(); }

std::int64_t SystemCallTrace::finish() {
  if (strace_ > 0) {
    ::kill(strace_, SIGINT);
    ::waitpid(strace_, nullptr, 0);
    strace_ = -1;
  }
  std::ostringstream summary;
  summary << std::ifstream(folder_ + "/summary").rdbuf();
  const auto total = total_calls(summary.str());
  if (!total) throw BenchError("strace left no summary");
  return *total;
}

void SystemCallTrace::end() {
  if (strace_ > 0) {
    ::kill(strace_, SIGINT);
    ::waitpid(strace_, nullptr, 0);
    strace_ = -1;
  }
  std::error_code error;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
}

std::optional<std::int64_t> total_calls(std::string_view summary) {
  std::istringstream lines{std::string(summary)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> found;
    for (std::string word; words >> word;) found.push_back(word);
    // % time, seconds, usecs/call, calls, errors (when there were any), "total".
    if (found.size() >= 5 && found.back() == "total") return std::strtoll(found[3].c_str(), nullptr, 10);
  }
  return std::nullopt;
}

}  // namespace skylark::bench
