// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/bench/options.h"
#include "tools/bench/report.h"

namespace skylark::bench {

// Each subcommand in a file of its own: sets up what its load needs, runs it, and gives what was measured. Errors: `BenchError`.

[[nodiscard]] Measurement run_produce(const Options& options);  ///< `latency` too.
[[nodiscard]] Measurement run_pull(const Options& options);
[[nodiscard]] Measurement run_consume(const Options& options);
[[nodiscard]] Measurement run_e2e(const Options& options);
[[nodiscard]] Measurement run_mixed(const Options& options);
[[nodiscard]] Measurement run_transactions(const Options& options);
[[nodiscard]] Measurement run_delay(const Options& options);
[[nodiscard]] Measurement run_nameserver(const Options& options);

/// Creates the topics unless they are said to be there.
void prepare_topics(const Options& options);
/// Stores `options.preload` messages, spread over all queues. Errors: also when some were refused.
void store_messages(const Options& options);

}  // namespace skylark::bench
