// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/report.h"

#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

namespace skylark::bench {

namespace {

constexpr std::array kPercentiles{50.0, 90.0, 99.0, 99.9};

std::string_view name_of(Codec codec) {
  switch (codec) {
    case Codec::json: return "json";
    case Codec::rocketmq: return "rocketmq";
    case Codec::flatbuffers: return "flatbuffers";
  }
  return "";
}

double per_message(double amount, const Measurement& measured) {
  return measured.messages == 0 ? 0.0 : amount / static_cast<double>(measured.messages);
}

double per_message(std::int64_t amount, const Measurement& measured) { return per_message(static_cast<double>(amount), measured); }

double rate(const Measurement& m) { return m.seconds > 0 ? static_cast<double>(m.messages) / m.seconds : 0.0; }

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }

double microseconds(std::int64_t ns) { return static_cast<double>(ns) / 1e3; }

/// `deliveredRate` → `delivered rate`.
std::string words(std::string_view camel_case) {
  std::string out;
  for (const char letter : camel_case) {
    if (std::isupper(static_cast<unsigned char>(letter)) != 0) out += ' ';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return out;
}

void add_times(std::string& out, std::string_view name, const Histogram& times) {
  for (const double percent : kPercentiles) {
    out += fmt::format("{:<26}{:>14.1f} us\n", fmt::format("{} p{:g}", name, percent), microseconds(times.percentile_ns(percent)));
  }
  out += fmt::format("{:<26}{:>14.1f} us\n", fmt::format("{} max", name), microseconds(times.max_ns()));
}

std::string times_json(const Histogram& times) {
  std::string out = fmt::format(R"({{"count":{},"mean":{:.1f})", times.count(), times.mean_ns() / 1e3);
  for (const double percent : kPercentiles) out += fmt::format(R"(,"p{:g}":{:.1f})", percent, microseconds(times.percentile_ns(percent)));
  return out + fmt::format(R"(,"max":{:.1f}}})", microseconds(times.max_ns()));
}

void add_server(std::string& out, const ServerCost& cost, const Measurement& measured) {
  const auto row = [&](std::string_view name, std::string_view value, std::string_view unit) {
    out += fmt::format("{:<26}{:>14} {}\n", name, value, unit);
  };
  row("server CPU", fmt::format("{:.3f}", per_message(cost.cpu_seconds * 1e6, measured)), "us a message");
  row("server instructions", cost.instructions ? fmt::format("{:.0f}", per_message(*cost.instructions, measured)) : "not available",
      cost.instructions ? "a message, in user space" : "");
  row("server context switches", fmt::format("{:.4f}", per_message(cost.context_switches, measured)), "a message");
  row("server read, write calls", fmt::format("{:.4f}", per_message(cost.read_write_calls, measured)),
      "a message (/proc io syscr + syscw: no recv, send, sync)");
  if (cost.system_calls)
    row("server system calls", fmt::format("{:.4f}", per_message(*cost.system_calls, measured)), "a message (all, by strace)");
  row("server memory, anonymous", fmt::format("{:.1f}", mebibytes(cost.rss_anonymous_bytes)), "MiB");
  row("server memory, files", fmt::format("{:.1f}", mebibytes(cost.rss_file_bytes)), "MiB");
}

std::string server_json(const ServerCost& cost, const Measurement& measured) {
  const auto number_or_null = [&](const std::optional<std::int64_t>& value) {
    return value ? fmt::format("{:.4f}", per_message(*value, measured)) : std::string("null");
  };
  return fmt::format(
      R"({{"cpuUs":{:.4f},"cpuSeconds":{:.4f},"instructions":{},"contextSwitches":{:.5f},"readWriteCalls":{:.5f},"systemCalls":{},)"
      R"("rssAnonymousBytes":{},"rssFileBytes":{}}})",
      per_message(cost.cpu_seconds * 1e6, measured), cost.cpu_seconds, number_or_null(cost.instructions),
      per_message(cost.context_switches, measured), per_message(cost.read_write_calls, measured), number_or_null(cost.system_calls),
      cost.rss_anonymous_bytes, cost.rss_file_bytes);
}

}  // namespace

std::string to_table(const Options& options, const Measurement& measured) {
  std::string out = fmt::format("{}: {} topics x {} queues, {} connections x {} in flight, {} bytes, {} headers{}\n", options.load,
                                options.topics, options.queues, options.connections, options.in_flight, options.size_bytes,
                                name_of(options.codec), options.rate > 0 ? fmt::format(", {}/s by schedule", options.rate) : "");
  out += fmt::format("{:<26}{:>14.2f} s\n", "measured", measured.seconds);
  out += fmt::format("{:<26}{:>14}\n", "messages", measured.messages);
  out += fmt::format("{:<26}{:>14.0f} /s\n", "rate", rate(measured));
  if (measured.refused > 0) out += fmt::format("{:<26}{:>14} (last code {})\n", "refused", measured.refused, measured.refusal_code);
  for (const auto& [name, value] : measured.figures) out += fmt::format("{:<26}{:>14.10g}\n", words(name), value);
  if (measured.latency.count() > 0) add_times(out, "latency", measured.latency);
  for (const auto& [name, times] : measured.times) add_times(out, words(name), times);
  if (measured.server) add_server(out, *measured.server, measured);
  out += fmt::format("{:<26}{:>14.3f} us a message\n", "own CPU", per_message(measured.own_cpu_seconds * 1e6, measured));
  return out;
}

std::string to_json(const Options& options, const Measurement& measured) {
  std::string out = fmt::format(
      R"({{"load":"{}","codec":"{}","topics":{},"queues":{},"groups":{},"connections":{},"inFlight":{},"sizeBytes":{},"batch":{},"scheduledRate":{})",
      options.load, name_of(options.codec), options.topics, options.queues, options.groups, options.connections, options.in_flight,
      options.size_bytes, options.batch, options.rate);
  out += fmt::format(R"(,"seconds":{:.3f},"requests":{},"messages":{},"refused":{},"refusalCode":{},"rate":{:.0f})", measured.seconds,
                     measured.requests, measured.messages, measured.refused, measured.refusal_code, rate(measured));
  for (const auto& [name, value] : measured.figures) out += fmt::format(R"(,"{}":{:.10g})", name, value);
  out += R"(,"latencyUs":)" + times_json(measured.latency);
  for (const auto& [name, times] : measured.times) out += fmt::format(R"(,"{}Us":{})", name, times_json(times));
  out += fmt::format(R"(,"ownCpuUs":{:.4f})", per_message(measured.own_cpu_seconds * 1e6, measured));
  if (measured.server) out += R"(,"broker":)" + server_json(*measured.server, measured);
  return out + "}";
}

}  // namespace skylark::bench
