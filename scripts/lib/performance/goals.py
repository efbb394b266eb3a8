# SPDX-License-Identifier: Apache-2.0
"""What the project wants to reach, each beside what was measured."""
from performance.data import joined, ratio, text
from performance.sections import QUEUES

# Broker CPU and latency in µs of RocketMQ 5.3.3 on two cores when its compiler has finished; short runs do not get there. Goals are
# judged against the smaller of this and what was measured.
JAVA_WARM_CPU_US = {"send_json": 24, "send_rocketmq": 24, "pull": 5}
JAVA_WARM_P50_US = 84
PULL_BATCH = 32


def at_most(value, limit):
    return None if value is None else value <= limit


def smaller(measured, warm):
    return None if measured is None else min(measured, warm)


def cost_rows(side, floor):
    rows = []
    echo = text(floor.median("floor", "echo_pipelined", "broker", "cpuUs"), "{:.2f} µs")
    sent = text(floor.median("floor", "sendfile", "cpuUs", scale=PULL_BATCH), "{:.2f} µs")
    for name, what, limit, bare in (("send_json", "broker CPU per 128-byte send, pipelined, JSON", 1.6, echo),
                                    ("send_rocketmq", "broker CPU per 128-byte send, pipelined, ROCKETMQ", 1.6, echo),
                                    ("pull", "broker CPU per pulled message, batches of 32, hot", 0.35, sent)):
        mine = side.median("skylark", name, "broker", "cpuUs")
        share = ratio(smaller(side.median("java", name, "broker", "cpuUs"), JAVA_WARM_CPU_US[name]), mine)
        rows.append((what, "≤ 1/15 of Java's", text(share, "1/{:.1f}"), "", None if share is None else share >= 15))
        rows.append(("the same, absolute", f"≤ {limit} µs", text(mine, "{:.2f} µs"), bare, at_most(mine, limit)))
    return rows


def latency_rows(side, floor):
    p50, p99 = [side.median("skylark", "one_in_flight", "latencyUs", point) for point in ("p50", "p99")]
    java_p50 = smaller(side.median("java", "one_in_flight", "latencyUs", "p50"), JAVA_WARM_P50_US)
    java_p99 = side.median("java", "one_in_flight", "latencyUs", "p99")
    bare_p50, bare_p99 = [floor.median("floor", "echo_one_in_flight", "latencyUs", point) for point in ("p50", "p99")]
    share, tail, echo = ratio(p50, java_p50), ratio(p99, java_p99), ratio(p50, bare_p50)
    return [("send latency, one in flight, p50", "≤ 1/2 of Java's", joined((share, "{:.2f} of it"), (p50, " ({:.0f} µs)")),
             text(ratio(bare_p50, java_p50), "{:.2f} of it"), at_most(share, 0.5)),
            ("send latency, one in flight, p99", "≤ 1/5 of Java's", text(tail, "{:.2f} of it"),
             text(ratio(bare_p99, java_p99), "{:.2f} of it"), at_most(tail, 0.2)),
            ("send latency, one in flight, p50", "≤ 1.5 × a bare echo", text(echo, "{:.1f} ×"), "", at_most(echo, 1.5))]


def sync_rows(sync, floor):
    flush = floor.median("floor", "fsync", "p50Us")
    one = sync.median("skylark", "sync_one_in_flight", "latencyUs", "p50")
    echo = floor.median("floor", "echo_one_in_flight", "latencyUs", "p50")
    above = None if flush is None or one is None else one - flush
    share = ratio(sync.median("skylark", "sync_pipelined", "rate"), sync.median("java", "sync_pipelined", "rate"))
    return [("SYNC_FLUSH, one in flight, p50", "≤ write + fsync + 40 µs", joined((one, "{:.0f} µs"), (above, ", {:+.0f} µs")),
             text(echo, "an echo: {:+.0f} µs"), at_most(above, 40)),
            ("SYNC_FLUSH, pipelined, rate", "≥ 5 × Java's", text(share, "{:.1f} ×"), "", None if share is None else share >= 5)]


def flat_row(sweeps):
    names = [f"queues_{queues}" for queues in QUEUES] + ["topics_10000"]
    rates = [sweeps.median("skylark", name, "rate") for name in names]
    if None in rates:
        return ("rate with 1 to 50,000 queues or 10,000 topics", "flat within 5 %", text(None), "", None)
    lowest = min(rates) / max(rates) - 1
    costs = [sweeps.median("skylark", name, "broker", "cpuUs") for name in names]
    return ("rate with 1 to 50,000 queues or 10,000 topics", "flat within 5 %",
            f"lowest {lowest:+.0%} of the highest; CPU {min(costs):.2f} to {max(costs):.2f} µs", "", lowest >= -0.05)


def tail_row(tails):
    slowest, bare = (tails.median(server, "tail_16k", "latencyUs", "p99.9", scale=1000) for server in ("skylark", "floor"))
    return ("sends of 16 KB, 5,000/s, while files change, p99.9", "≤ 2 ms", text(slowest, "{:.1f} ms"), text(bare, "{:.1f} ms"), at_most(slowest, 2))


def idle_rows(idle):
    start = idle.median("skylark", "emptyMs")
    size = idle.median("skylark", "storeGb")
    filled = idle.median("skylark", "filledMs")
    memory = idle.median("skylark", "idle", "anonymousBytes")
    queue = idle.median("skylark", "perQueueBytes")
    connection = idle.median("skylark", "perConnectionBytes")
    judged = filled is not None and (size or 0) >= 20 * 0.95
    return [("start on an empty store", "≤ 50 ms", text(start, "{:.0f} ms"), "", at_most(start, 50)),
            ("start on 20 GB after a clean stop", "≤ 1 s", joined((filled, "{:.0f} ms"), (size, " on {:g} GB")), "", filled <= 1000 if judged else None),
            ("memory when idle, anonymous", "≤ 20 MB", text(None if memory is None else memory / 1e6, "{:.1f} MB"), "", at_most(memory, 20e6)),
            ("memory for each queue", "≤ 1 KB", text(queue, "{:.0f} bytes"), "", at_most(queue, 1024)),
            ("memory for each idle connection", "≤ 2 KB", text(connection, "{:.0f} bytes"), "", at_most(connection, 2048))]


def rows(side, sync, tails, sweeps, idle, floor):
    """What, goal, measured, the same figure of the bare server or disk where there is one, and whether the goal is met (None: not measured,
    or not comparable)."""
    arrival = [side.median("skylark", "e2e", "arrivalUs", point) for point in ("p50", "p99")]
    return [*cost_rows(side, floor), *latency_rows(side, floor), *sync_rows(sync, floor), tail_row(tails), flat_row(sweeps),
            ("from producing to a waiting consumer, p50", "≤ 150 µs", text(arrival[0], "{:.0f} µs"), "", at_most(arrival[0], 150)),
            ("from producing to a waiting consumer, p99", "≤ 1 ms", text(arrival[1], "{:.0f} µs"), "", at_most(arrival[1], 1000)),
            *idle_rows(idle)]


def verdict(met):
    return "not measured" if met is None else "met" if met else "**missed**"
