// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace skylark::log {
namespace {

std::atomic<Level> g_level{Level::warn};

spdlog::level::level_enum to_spdlog(Level level) noexcept {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger>& logger() {
  static auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("skylark", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return instance;
}

}  // namespace

void open(const std::string& folder, const std::string& file_name, bool to_console) {
  constexpr std::size_t kFileSizeMax = 128u * 1024 * 1024;
  constexpr std::size_t kFileCountMax = 10;
  std::vector<spdlog::sink_ptr> sinks;
  sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(folder + "/" + file_name, kFileSizeMax, kFileCountMax));
  if (to_console) sinks.push_back(std::make_shared<spdlog::sinks::stdout_sink_mt>());
  auto made = std::make_shared<spdlog::logger>("skylark", sinks.begin(), sinks.end());
  made->set_level(spdlog::level::trace);
  made->flush_on(spdlog::level::warn);
  made->set_pattern("%Y-%m-%d %H:%M:%S,%e %^%l%$ [%t] %v");
  spdlog::drop(made->name());
  spdlog::register_logger(made);
  spdlog::flush_every(std::chrono::seconds(1));  // Who follows the file sees what happens; a killed process loses a second at most.
  logger() = std::move(made);
  set_level(Level::info);
}

void set_level(Level level) { g_level = level; }
bool enabled(Level level) noexcept { return level >= g_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view line) noexcept {
  try {
    logger()->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // A log that cannot be written must not take the broker down.
  }
}

void flush() noexcept {
  try {
    logger()->flush();
  } catch (...) {
  }
}

}  // namespace skylark::log
