// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "protocol/remoting_command.h"

namespace skylark::bench {

/// A load that could not be run: no connection, a refusal of the broker, a process that cannot be read. Ends with exit code 1.
struct BenchError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Bad flags; the text is one line. Ends with exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a run was asked to do; every number has been checked.
struct Options {
  std::string load;  ///< Name of the subcommand.
  std::string host;
  std::uint16_t port = 0;
  std::string topic = "SkylarkBench";  ///< With more than one topic: the prefix of their names.
  std::int32_t topics = 1;
  std::int32_t queues = 4;
  std::int32_t groups = 1;  ///< Consumer groups; each gets every message.
  std::int32_t connections = 16;
  std::int32_t consumer_connections = 1;  ///< Of loads that send and consume.
  std::int32_t in_flight = 32;            ///< Requests without an answer, for each connection.
  std::int32_t size_bytes = 128;
  std::int32_t batch = 32;                 ///< Messages asked for by one pull.
  std::int64_t preload = 100'000;          ///< Messages that pulling and consuming store first.
  std::int64_t rate = 0;                   ///< Requests a second by schedule; 0 is as fast as answers come.
  std::int64_t commit_interval_ms = 5000;  ///< As Java consumers persist their offsets.
  std::int32_t rollback_percent = 10;
  bool verify = false;  ///< Transactions: consume what was committed.
  std::int32_t delay_level = 1;
  std::int64_t delay_ms = 0;  ///< Of that level; 0 for every other load.
  std::int32_t brokers = 10;  ///< Name server: how many are simulated.
  std::int32_t spread = 2;    ///< Name server: brokers that hold each topic.
  std::int32_t register_interval_s = 30;
  Codec codec = Codec::json;
  double seconds = 10;
  double warm_up_seconds = 2;
  std::int64_t count = 0;       ///< Ends after that many requests; 0 is by time.
  std::int64_t broker_pid = 0;  ///< Process whose cost is reported; 0 is none.
  bool trace_system_calls = false;
  bool json = false;
  bool create_topics = true;
  bool quiet = false;
};

/// Reads the command line. Returns false when only help was asked for, which has then been printed.
/// Errors: `UsageError`.
[[nodiscard]] bool parse_options(int argc, const char* const* argv, Options& into);

/// Milliseconds of a delay level, counted from 1, in a list such as `1s 5s 1m 2h`. Errors: `UsageError`.
[[nodiscard]] std::int64_t delay_of_level(std::string_view levels, std::int32_t level);

/// Connections of producers and of consumers: `total` shared out as `producers:consumers` says, each side getting one at least.
struct Split {
  std::int32_t producers = 1;
  std::int32_t consumers = 1;
};
/// Errors: `UsageError` for a ratio that is none, or fewer than two connections.
[[nodiscard]] Split split_connections(std::int32_t total, std::string_view ratio);

}  // namespace skylark::bench
