// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/bench/commands.h"
#include "tools/bench/consumer.h"
#include "tools/bench/event_loop.h"
#include "tools/bench/sender.h"

namespace skylark::bench {

/// Arrivals are timed from when each message was due at its topic: sending plus the delay of its level.
Measurement run_delay(const Options& options) {
  prepare_topics(options);
  EventLoop loop(options);
  Consumer consumer(loop, options, options.consumer_connections, Consumer::Reading::live);
  SendPlan plan;
  plan.properties = fmt::format("DELAY\x01{}\x02", options.delay_level);
  Sender sender(loop, options, options.connections, true, plan);
  consumer.expect([&] { return sender.stored(); });
  loop.run();
  loop.measured().add("delayMs", options.delay_ms);
  loop.measured().add("storedTotal", sender.stored());
  consumer.report("lateness");
  return std::move(loop.measured());
}

}  // namespace skylark::bench
