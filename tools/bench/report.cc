// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/report.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace skylark::bench {

namespace {

constexpr std::array kPercentiles{50.0, 90.0, 99.0, 99.9};

std::string_view name_of(Load load) {
  switch (load) {
    case Load::produce: return "produce";
    case Load::pull: return "pull";
    case Load::latency: return "latency";
  }
  return "";
}

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

double broker_cpu_us(const Measurement& m) { return per_message((m.broker_after.cpu_seconds - m.broker_before.cpu_seconds) * 1e6, m); }

double broker_switches(const Measurement& m) {
  return per_message(static_cast<double>(m.broker_after.context_switches - m.broker_before.context_switches), m);
}

double rate(const Measurement& m) { return m.seconds > 0 ? static_cast<double>(m.messages) / m.seconds : 0.0; }

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }

}  // namespace

std::string to_table(const Options& options, const Measurement& measured) {
  std::string out = fmt::format(
      "{}: {} topics x {} queues, {} connections x {} in flight, {} bytes, {} headers{}\n", name_of(options.load), options.topics,
      options.queues, options.connections, options.in_flight, options.size_bytes, name_of(options.codec),
      options.rate > 0 ? fmt::format(", {}/s by schedule", options.rate) : "");
  out += fmt::format("{:<26}{:>14.2f} s\n", "measured", measured.seconds);
  out += fmt::format("{:<26}{:>14}\n", "messages", measured.messages);
  out += fmt::format("{:<26}{:>14.0f} /s\n", "rate", rate(measured));
  if (measured.refused > 0) out += fmt::format("{:<26}{:>14} (last code {})\n", "refused", measured.refused, measured.refusal_code);
  for (const double percent : kPercentiles) {
    out += fmt::format("{:<26}{:>14.1f} us\n", fmt::format("latency p{:g}", percent),
                       static_cast<double>(measured.latency.percentile_ns(percent)) / 1e3);
  }
  out += fmt::format("{:<26}{:>14.1f} us\n", "latency max", static_cast<double>(measured.latency.max_ns()) / 1e3);
  if (options.broker_pid > 0) {
    out += fmt::format("{:<26}{:>14.3f} us a message\n", "broker CPU", broker_cpu_us(measured));
    out += fmt::format("{:<26}{:>14.4f} a message\n", "broker context switches", broker_switches(measured));
    out += fmt::format("{:<26}{:>14.1f} MiB\n", "broker memory, anonymous", mebibytes(measured.broker_after.rss_anonymous_bytes));
    out += fmt::format("{:<26}{:>14.1f} MiB\n", "broker memory, files", mebibytes(measured.broker_after.rss_file_bytes));
  }
  out += fmt::format("{:<26}{:>14.3f} us a message\n", "own CPU", per_message(measured.own_cpu_seconds * 1e6, measured));
  return out;
}

std::string to_json(const Options& options, const Measurement& measured) {
  std::string out = fmt::format(
      R"({{"load":"{}","codec":"{}","topics":{},"queues":{},"connections":{},"inFlight":{},"sizeBytes":{},"batch":{},"scheduledRate":{})",
      name_of(options.load), name_of(options.codec), options.topics, options.queues, options.connections, options.in_flight,
      options.size_bytes, options.load == Load::pull ? options.batch : 1, options.rate);
  out += fmt::format(R"(,"seconds":{:.3f},"requests":{},"messages":{},"refused":{},"refusalCode":{},"rate":{:.0f})", measured.seconds,
                     measured.requests, measured.messages, measured.refused, measured.refusal_code, rate(measured));
  out += fmt::format(R"(,"latencyUs":{{"mean":{:.1f})", measured.latency.mean_ns() / 1e3);
  for (const double percent : kPercentiles) {
    out += fmt::format(R"(,"p{:g}":{:.1f})", percent, static_cast<double>(measured.latency.percentile_ns(percent)) / 1e3);
  }
  out += fmt::format(R"(,"max":{:.1f}}},"ownCpuUs":{:.4f})", static_cast<double>(measured.latency.max_ns()) / 1e3,
                     per_message(measured.own_cpu_seconds * 1e6, measured));
  if (options.broker_pid > 0) {
    out += fmt::format(R"(,"broker":{{"cpuUs":{:.4f},"contextSwitches":{:.5f},"rssAnonymousBytes":{},"rssFileBytes":{}}})",
                       broker_cpu_us(measured), broker_switches(measured), measured.broker_after.rss_anonymous_bytes,
                       measured.broker_after.rss_file_bytes);
  }
  return out + "}";
}

}  // namespace skylark::bench
