// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "tools/bench/commands.h"
#include "tools/bench/event_loop.h"
#include "tools/bench/sender.h"
#include "tools/bench/topics.h"

namespace skylark::bench {

void prepare_topics(const Options& options) {
  if (!options.create_topics) return;
  Connection connection(options.host, options.port);
  create_topics(connection, options);
}

void store_messages(const Options& options) {
  Options preload = options;
  preload.count = options.preload;
  preload.warm_up_seconds = 0;
  preload.broker_pid = 0;
  preload.trace_system_calls = false;
  preload.rate = 0;
  preload.create_topics = false;
  preload.codec = Codec::json;
  preload.connections = std::min(options.connections, 16);
  preload.in_flight = 32;
  const Measurement stored = run_produce(preload);
  if (stored.refused > 0) throw BenchError(fmt::format("{} sends were refused (code {})", stored.refused, stored.refusal_code));
}

Measurement run_produce(const Options& options) {
  prepare_topics(options);
  EventLoop loop(options);
  Sender sender(loop, options, options.connections, false);
  loop.run();
  loop.measured().add("storedTotal", sender.stored());
  return std::move(loop.measured());
}

}  // namespace skylark::bench
