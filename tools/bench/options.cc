// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/options.h"

#include <charconv>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace skylark::bench {

namespace {

struct Text {
  std::string broker = "127.0.0.1:10911";
  std::string codec = "json";
  std::string output = "table";
};

const std::map<std::string, Codec> kCodecs{{"json", Codec::json}, {"rocketmq", Codec::rocketmq}, {"flatbuffers", Codec::flatbuffers}};

void add_common(CLI::App& command, Options& into, Text& text) {
  command.add_option("-b,--broker", text.broker, "Broker to load, host:port")->capture_default_str();
  command.add_option("--topic", into.topic, "Topic, or prefix of the topics' names")->capture_default_str();
  command.add_option("--topics", into.topics, "Number of topics")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--queues", into.queues, "Queues of each topic")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--size", into.size_bytes, "Bytes of a message body")->check(CLI::Range(1, 4'000'000))->capture_default_str();
  command.add_option("--codec", text.codec, "json, rocketmq or flatbuffers (a Skylark broker alone)")->capture_default_str();
  command.add_option("--seconds", into.seconds, "How long is measured")->check(CLI::Range(0.1, 86'400.0))->capture_default_str();
  command.add_option("--count", into.count, "Ends after that many requests instead")->check(CLI::PositiveNumber);
  command.add_option("--warm-up", into.warm_up_seconds, "Seconds of the same load before, not measured")
      ->check(CLI::Range(0.0, 3600.0))->capture_default_str();
  command.add_option("--broker-pid", into.broker_pid, "Process on this machine whose cost is reported")->check(CLI::PositiveNumber);
  command.add_option("-o,--output", text.output, "table or json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
  command.add_flag("!--no-create", into.create_topics, "Expect the topics to be there");
  command.add_flag("--quiet", into.quiet, "No progress line");
}

void add_concurrency(CLI::App& command, Options& into) {
  command.add_option("--connections", into.connections, "Connections")->check(CLI::Range(1, 60'000))->capture_default_str();
  command.add_option("--in-flight", into.in_flight, "Open requests of each connection")->check(CLI::Range(1, 65'536))->capture_default_str();
}

void read_address(const std::string& text, Options& into) {
  const auto colon = text.rfind(':');
  const char* begin = text.data() + (colon == std::string::npos ? text.size() : colon + 1);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, into.port);
  if (colon == std::string::npos || colon == 0 || error != std::errc{} || stop != end || into.port == 0) {
    throw UsageError(fmt::format("--broker: want host:port, not '{}'", text));
  }
  into.host = text.substr(0, colon);
}

}  // namespace

bool parse_options(int argc, const char* const* argv, Options& into) {
  CLI::App app{"Load generator for RocketMQ brokers over the public protocol", "mqbench"};
  app.require_subcommand(1);
  Text text;
  CLI::App& produce = *app.add_subcommand("produce", "Sends from many connections with many requests in flight");
  CLI::App& pull = *app.add_subcommand("pull", "Stores messages, then reads them again and again in batches");
  CLI::App& latency = *app.add_subcommand("latency", "Times sends: one in flight, or by a fixed schedule");
  for (CLI::App* command : {&produce, &pull, &latency}) add_common(*command, into, text);
  add_concurrency(produce, into);
  add_concurrency(pull, into);
  pull.add_option("--batch", into.batch, "Messages of one pull")->check(CLI::Range(1, 1024))->capture_default_str();
  pull.add_option("--preload", into.preload, "Messages stored before")->check(CLI::Range(1, 1'000'000'000))->capture_default_str();
  latency.add_option("--rate", into.rate, "Sends a second by a fixed schedule; a late one counts from when it was due")
      ->check(CLI::Range(1, 100'000));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error), false;
    throw UsageError(error.what());
  }
  const auto codec = kCodecs.find(text.codec);
  if (codec == kCodecs.end()) throw UsageError(fmt::format("--codec: '{}' is none of json, rocketmq, flatbuffers", text.codec));
  into.codec = codec->second;
  into.json = text.output == "json";
  into.load = produce.parsed() ? Load::produce : pull.parsed() ? Load::pull : Load::latency;
  if (into.load == Load::latency) {
    into.connections = 1;
    into.in_flight = into.rate > 0 ? 4096 : 1;
  }
  read_address(text.broker, into);
  return true;
}

}  // namespace skylark::bench
