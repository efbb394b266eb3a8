// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

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

enum class Load { produce, pull, latency };

/// What a run was asked to do; every number has been checked.
struct Options {
  Load load = Load::produce;
  std::string host;
  std::uint16_t port = 0;
  std::string topic = "SkylarkBench";  ///< With more than one topic: the prefix of their names.
  std::int32_t topics = 1;
  std::int32_t queues = 4;
  std::int32_t connections = 16;
  std::int32_t in_flight = 32;  ///< Requests without an answer, for each connection.
  std::int32_t size_bytes = 128;
  std::int32_t batch = 32;  ///< Messages asked for by one pull.
  std::int64_t preload = 100'000;  ///< Messages that pulling stores first.
  std::int64_t rate = 0;  ///< Latency: sends a second by schedule; 0 is one in flight after the other.
  Codec codec = Codec::json;
  double seconds = 10;
  double warm_up_seconds = 2;
  std::int64_t count = 0;  ///< Ends after that many requests; 0 is by time.
  std::int64_t broker_pid = 0;
  bool json = false;
  bool create_topics = true;
  bool quiet = false;
};

/// Reads the command line. Returns false when only help was asked for, which has then been printed.
/// Errors: `UsageError`.
[[nodiscard]] bool parse_options(int argc, const char* const* argv, Options& into);

}  // namespace skylark::bench
