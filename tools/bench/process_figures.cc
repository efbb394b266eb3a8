// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/process_figures.h"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "tools/bench/options.h"

namespace skylark::bench {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

/// Number behind `name` at the start of a line of a status file; 0 when it is not there.
std::int64_t status_number(const std::string& status, const std::string& name) {
  const auto at = status.find("\n" + name + ":");
  return at == std::string::npos ? 0 : std::strtoll(status.c_str() + at + name.size() + 2, nullptr, 10);
}

}  // namespace

ProcessFigures read_process(std::int64_t pid) {
  const std::string root = "/proc/" + std::to_string(pid);
  const std::string stat = read_file(root + "/stat");
  const auto name_end = stat.rfind(')');  // The name may hold anything.
  if (name_end == std::string::npos) throw BenchError("--broker-pid: process " + std::to_string(pid) + " cannot be read");

  ProcessFigures figures;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // State up to the major faults of children; then user and system time.
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  figures.cpu_seconds = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));  // In steps of 10 ms.
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(static_cast<pid_t>(pid), &clock) == 0 && ::clock_gettime(clock, &used) == 0) {
    figures.cpu_seconds = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  }

  const std::string status = read_file(root + "/status");
  figures.rss_anonymous_bytes = status_number(status, "RssAnon") * 1024;
  figures.rss_file_bytes = (status_number(status, "RssFile") + status_number(status, "RssShmem")) * 1024;

  const std::string io = "\n" + read_file(root + "/io");  // The first line has no line end before it.
  figures.read_write_calls = status_number(io, "syscr") + status_number(io, "syscw");

  for (const std::int32_t thread : threads_of(pid)) {
    const std::string of_thread = read_file(root + "/task/" + std::to_string(thread) + "/status");
    figures.context_switches +=
        status_number(of_thread, "voluntary_ctxt_switches") + status_number(of_thread, "nonvoluntary_ctxt_switches");
  }
  return figures;
}

std::vector<std::int32_t> threads_of(std::int64_t pid) {
  std::vector<std::int32_t> found;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    found.push_back(static_cast<std::int32_t>(std::strtol(thread.path().filename().c_str(), nullptr, 10)));
  }
  return found;
}

}  // namespace skylark::bench
