// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/options.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tools/bench/sender.h"

namespace skylark::bench {

namespace {

/// Flags that are read into something else than their text.
struct Text {
  std::string address = "127.0.0.1:10911";
  std::string codec = "json";
  std::string output = "table";
  std::string ratio = "1:1";
  std::string levels = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";  // messageDelayLevel's default.
};

const std::map<std::string, Codec> kCodecs{{"json", Codec::json}, {"rocketmq", Codec::rocketmq}, {"flatbuffers", Codec::flatbuffers}};

void add_run(CLI::App& command, Options& into, Text& text) {
  command.add_option("--codec", text.codec, "json, rocketmq or flatbuffers (a Skylark server alone)")->capture_default_str();
  command.add_option("--seconds", into.seconds, "How long is measured")->check(CLI::Range(0.1, 86'400.0))->capture_default_str();
  command.add_option("--count", into.count, "Ends after that many requests instead")->check(CLI::PositiveNumber);
  command.add_option("--warm-up", into.warm_up_seconds, "Seconds of the same load before, not measured")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command.add_option("--broker-pid,--server-pid", into.broker_pid, "Process on this machine whose cost is reported")
      ->check(CLI::PositiveNumber);
  command.add_flag("--trace-system-calls", into.trace_system_calls,
                   "Count all its system calls with strace, which slows it many times over");
  command.add_option("-o,--output", text.output, "table or json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
  command.add_flag("--quiet", into.quiet, "No progress line");
}

void add_topics(CLI::App& command, Options& into) {
  command.add_option("--topic", into.topic, "Topic, or prefix of the topics' names")->capture_default_str();
  command.add_option("--topics", into.topics, "Number of topics")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--queues", into.queues, "Queues of each topic")->check(CLI::Range(1, 1'000'000))->capture_default_str();
}

void add_broker(CLI::App& command, Options& into, Text& text) {
  command.add_option("-b,--broker", text.address, "Broker to load, host:port")->capture_default_str();
  add_topics(command, into);
  command.add_option("--size", into.size_bytes, "Bytes of a message body")->check(CLI::Range(1, 4'000'000))->capture_default_str();
  command.add_flag("!--no-create", into.create_topics, "Expect the topics to be there");
  add_run(command, into, text);
}

void add_connections(CLI::App& command, Options& into) {
  command.add_option("--connections", into.connections, "Connections")->check(CLI::Range(1, 60'000))->capture_default_str();
}

void add_in_flight(CLI::App& command, Options& into) {
  command.add_option("--in-flight", into.in_flight, "Open requests of each connection")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
}

void add_rate(CLI::App& command, Options& into, const char* otherwise) {
  command
      .add_option("--rate", into.rate,
                  fmt::format("Sends a second by a fixed schedule; a late one counts from when it was due{}", otherwise))
      ->check(CLI::Range(1, 10'000'000));
}

void add_batch(CLI::App& command, Options& into) {
  command.add_option("--batch", into.batch, "Messages of one pull")->check(CLI::Range(1, 1024))->capture_default_str();
}

void add_preload(CLI::App& command, Options& into) {
  command.add_option("--preload", into.preload, "Messages stored before")->check(CLI::Range(1, 1'000'000'000))->capture_default_str();
}

void add_groups(CLI::App& command, Options& into) {
  command.add_option("--groups", into.groups, "Consumer groups, each of which gets every message")
      ->check(CLI::Range(1, 99'999))
      ->capture_default_str();
  command.add_option("--commit-interval", into.commit_interval_ms, "Milliseconds between commits of the offsets that moved")
      ->check(CLI::Range(10, 3'600'000))
      ->capture_default_str();
  add_batch(command, into);
}

void add_consumers(CLI::App& command, Options& into) {
  command.add_option("--consumer-connections", into.consumer_connections, "Connections of the consumers")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  add_groups(command, into);
}

CLI::App& add_name_server(CLI::App& app, Options& into, Text& text) {
  CLI::App& command = *app.add_subcommand("nameserver", "Registers brokers at a name server, keeps them registered, and asks for routes");
  command.add_option("-n,--namesrv", text.address, "Name server to load, host:port")->required();
  command.add_option("--brokers", into.brokers, "Simulated brokers")->check(CLI::Range(1, 20'000))->capture_default_str();
  command.add_option("--spread", into.spread, "Brokers that hold each topic")->check(CLI::Range(1, 20'000))->capture_default_str();
  command.add_option("--register-interval", into.register_interval_s, "Seconds between registrations of a broker")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  add_topics(command, into);
  add_connections(command, into);
  add_in_flight(command, into);
  add_run(command, into, text);
  return command;
}

void add_commands(CLI::App& app, Options& into, Text& text) {
  const auto add = [&](const char* name, const char* purpose) -> CLI::App& {
    CLI::App& command = *app.add_subcommand(name, purpose);
    add_broker(command, into, text);
    return command;
  };
  CLI::App& produce = add("produce", "Sends from many connections with many requests in flight");
  CLI::App& pull = add("pull", "Stores messages, then reads them again and again in batches");
  CLI::App& consume = add("consume", "Stores messages, then many groups read them over long polls and commit their offsets");
  CLI::App& mixed = add("mixed", "Producers and waiting consumers at the same time");
  CLI::App& transactions = add("transactions", "Half messages, each ended by a commit or a rollback");
  for (CLI::App* command : {&produce, &pull, &consume, &mixed, &transactions}) add_connections(*command, into);
  for (CLI::App* command : {&produce, &pull, &mixed, &transactions}) add_in_flight(*command, into);
  for (CLI::App* command : {&pull, &consume}) add_preload(*command, into);
  for (CLI::App* command : {&consume, &mixed}) add_groups(*command, into);
  add_batch(pull, into);
  add_rate(produce, into, "");
  add_rate(mixed, into, "");
  mixed.add_option("--ratio", text.ratio, "How the connections are shared out, producers:consumers")->capture_default_str();
  transactions.add_option("--rollback", into.rollback_percent, "Percent that are rolled back")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  transactions.add_flag("--verify", into.verify, "A consumer waits for every committed message");

  CLI::App& latency = add("latency", "Times sends: one in flight, or by a fixed schedule");
  CLI::App& e2e = add("e2e", "Times messages from when their send was due to their arrival at a waiting consumer");
  CLI::App& delay = add("delay", "Sends messages of a delay level and reports how late each came to its topic");
  add_rate(latency, into, "");
  for (CLI::App* command : {&e2e, &delay}) {
    add_connections(*command, into);
    add_rate(*command, into, " (1000 when not given)");
    add_consumers(*command, into);
  }
  delay.add_option("--level", into.delay_level, "Delay level")->check(CLI::Range(1, 99))->capture_default_str();
  delay.add_option("--levels", text.levels, "The broker's messageDelayLevel")->capture_default_str();
  add_name_server(app, into, text);
}

void read_address(const std::string& text, Options& into) {
  const auto colon = text.rfind(':');
  const char* begin = text.data() + (colon == std::string::npos ? text.size() : colon + 1);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, into.port);
  if (colon == std::string::npos || colon == 0 || error != std::errc{} || stop != end || into.port == 0) {
    throw UsageError(fmt::format("{}: want host:port, not '{}'", into.load == "nameserver" ? "--namesrv" : "--broker", text));
  }
  into.host = text.substr(0, colon);
}

/// What follows from the subcommand, and what its flags may not be together.
void complete(const CLI::App& command, const Text& text, Options& into) {
  const auto given = [&](const char* flag) { return command.get_option_no_throw(flag) != nullptr && command.count(flag) > 0; };
  if (into.load == "latency") {
    into.connections = 1;
    into.in_flight = 1;
  }
  if (into.load == "mixed") {
    const Split split = split_connections(into.connections, text.ratio);
    into.connections = split.producers;
    into.consumer_connections = split.consumers;
  }
  if (into.load == "e2e" || into.load == "delay") {
    if (!given("--connections")) into.connections = 1;
    if (into.rate == 0) into.rate = 1000;
    if (into.size_bytes < kStampSize) throw UsageError(fmt::format("--size: at least {}, the time of sending is in the body", kStampSize));
  }
  if (into.load == "delay") {
    into.delay_ms = delay_of_level(text.levels, into.delay_level);
    // Measured is the steady state: as many arrive as are sent.
    if (!given("--warm-up")) into.warm_up_seconds = static_cast<double>(into.delay_ms) / 1e3 + 1;
  }
  if (into.load == "nameserver" && into.spread > into.brokers)
    throw UsageError("--spread: more brokers for each topic than there are --brokers");
  if (into.trace_system_calls && into.broker_pid == 0) throw UsageError("--trace-system-calls needs --broker-pid");
}

}  // namespace

bool parse_options(int argc, const char* const* argv, Options& into) {
  CLI::App app{"Load generator for RocketMQ brokers and name servers over the public protocol", "mqbench"};
  app.require_subcommand(1);
  Text text;
  add_commands(app, into, text);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error), false;
    std::string line = error.what();
    std::replace(line.begin(), line.end(), '\n', ' ');
    throw UsageError(line);
  }
  const CLI::App& command = *app.get_subcommands().front();
  into.load = command.get_name();
  const auto codec = kCodecs.find(text.codec);
  if (codec == kCodecs.end()) throw UsageError(fmt::format("--codec: '{}' is none of json, rocketmq, flatbuffers", text.codec));
  into.codec = codec->second;
  into.json = text.output == "json";
  read_address(text.address, into);
  complete(command, text, into);
  return true;
}

std::int64_t delay_of_level(std::string_view levels, std::int32_t level) {
  const std::map<char, std::int64_t> units{{'s', 1000}, {'m', 60'000}, {'h', 3'600'000}, {'d', 86'400'000}};
  std::istringstream list{std::string(levels)};
  std::string word;
  for (std::int32_t i = 0; i < level; ++i) {
    if (!(list >> word)) throw UsageError(fmt::format("--level: {} is above the last of '{}'", level, levels));
  }
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  const auto unit = units.find(word.back());
  if (error != std::errc{} || stop != word.data() + word.size() - 1 || unit == units.end() || number < 1) {
    throw UsageError(fmt::format("--levels: '{}' is no delay such as 10s or 2m", word));
  }
  return number * unit->second;
}

Split split_connections(std::int32_t total, std::string_view ratio) {
  std::int32_t producers = 0;
  std::int32_t consumers = 0;
  const char* const end = ratio.data() + ratio.size();
  const auto first = std::from_chars(ratio.data(), end, producers);
  const bool divided = first.ec == std::errc{} && first.ptr != end && *first.ptr == ':';
  const auto second = divided ? std::from_chars(first.ptr + 1, end, consumers) : std::from_chars_result{end, std::errc::invalid_argument};
  if (second.ec != std::errc{} || second.ptr != end || producers < 1 || consumers < 1) {
    throw UsageError(fmt::format("--ratio: want producers:consumers such as 1:3, not '{}'", ratio));
  }
  if (total < 2) throw UsageError("--connections: producers and consumers need at least 2");
  const auto share = static_cast<std::int32_t>(std::int64_t{total} * producers / (std::int64_t{producers} + consumers));
  Split split;
  split.producers = std::clamp(share, 1, total - 1);
  split.consumers = total - split.producers;
  return split;
}

}  // namespace skylark::bench
