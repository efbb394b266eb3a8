// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/commands.h"
#include "tools/bench/consumer.h"
#include "tools/bench/event_loop.h"

namespace skylark::bench {

Measurement run_consume(const Options& options) {
  prepare_topics(options);
  store_messages(options);
  EventLoop loop(options);
  Consumer consumer(loop, options, options.connections, Consumer::Reading::laps);
  loop.run();
  consumer.report("arrival");
  return std::move(loop.measured());
}

}  // namespace skylark::bench
