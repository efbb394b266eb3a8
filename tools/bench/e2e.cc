// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/commands.h"
#include "tools/bench/consumer.h"
#include "tools/bench/event_loop.h"
#include "tools/bench/sender.h"

namespace skylark::bench {

Measurement run_e2e(const Options& options) {
  prepare_topics(options);
  EventLoop loop(options);
  Consumer consumer(loop, options, options.consumer_connections, Consumer::Reading::live);
  Sender sender(loop, options, options.connections, true);
  consumer.expect([&] { return sender.stored(); });
  loop.run();
  loop.measured().add("storedTotal", sender.stored());
  consumer.report("arrival");
  return std::move(loop.measured());
}

}  // namespace skylark::bench
