# SPDX-License-Identifier: Apache-2.0
"""docs/capacity.md: from what one message, queue, connection and registration cost, as measured, to the size of a cluster."""
import math

from performance.data import Section, text
from performance.settings import load

RECORD_OVERHEAD = 204   # Bytes of a record beside its body: fixed fields, a topic of 12 characters, unique key and the broker's properties.
INDEX_OVERHEAD = 41     # Unit of a consume queue, and one key in the index with its share of the slots.
WIRE_OVERHEAD = 400     # Of a send and its answer beside the body, JSON headers.
PULL_OVERHEAD = 30      # Of a pulled message beside its record: a share of request and answer for 32.
BUSY = 0.6              # Of every bound: above that queues grow.
CORES = 16
DISK_BYTES, NETWORK_BYTES = 1e9, 25e9 / 8  # A second, written and in each direction.
BODIES, GROUPS = (128, 1024, 16384), (1, 3)
WANTED_RATE, WANTED_TOPICS = 10_000_000, 1_000_000
QUEUES_OF_A_TOPIC, QUEUES_MAX = 4, 100_000  # Measured up to that number on one broker.
REGISTER_SECONDS, ROUTE_SECONDS = 30, 30


def send_cpu_us(sweeps, side, size):
    measured = sweeps.median("skylark", f"size_{size}", "broker", "cpuUs")
    return measured if measured is not None else side.median("skylark", "send_json", "broker", "cpuUs") if size == 128 else None


def bounds(send_us, pull_us, body, groups):
    """Messages a second of one broker with a replica, by what bounds them."""
    record = body + RECORD_OVERHEAD
    found = {"CPU": CORES * BUSY / ((send_us + groups * pull_us) / 1e6), "disk": DISK_BYTES * BUSY / (record + INDEX_OVERHEAD),
             "network in": NETWORK_BYTES * BUSY / (body + WIRE_OVERHEAD),
             "network out": NETWORK_BYTES * BUSY / ((groups + 1) * (record + PULL_OVERHEAD))}
    first = min(found, key=found.get)
    return found, first


def broker_rows(sweeps, side):
    pull_us = side.median("skylark", "pull", "broker", "cpuUs")
    rows, brokers = [], []
    for body in BODIES:
        send_us = send_cpu_us(sweeps, side, body)
        for groups in GROUPS:
            if send_us is None or pull_us is None:
                continue
            found, first = bounds(send_us, pull_us, body, groups)
            rate = found[first]
            needed = math.ceil(WANTED_RATE / rate)
            rows.append(f"| {body:,} | {groups} | {send_us:.2f} | {rate:,.0f} | {first} | {', '.join(f'{name} {value:,.0f}' for name, value in found.items() if name != first)} | {needed:,} |")
            brokers.append((body, groups, needed, rate * (body + RECORD_OVERHEAD + INDEX_OVERHEAD) * 86_400 / 1e12))
    return rows, brokers


def costs(side, sweeps, idle, scale):
    rows = [("CPU of a send, 128 bytes, JSON headers", text(side.median("skylark", "send_json", "broker", "cpuUs"), "{:.2f} µs")),
            ("CPU of a send, 1 KB / 16 KB", " / ".join(text(send_cpu_us(sweeps, side, size), "{:.2f} µs") for size in (1024, 16384))),
            ("CPU of a pulled message, by 32", text(side.median("skylark", "pull", "broker", "cpuUs"), "{:.2f} µs")),
            ("log and indexes for each message, beside its body", f"{RECORD_OVERHEAD} + {INDEX_OVERHEAD} bytes"),
            ("anonymous memory: idle broker", text(idle.median("skylark", "idle", "anonymousBytes", scale=1e6), "{:.1f} MB")),
            ("– for each queue with messages", text(idle.median("skylark", "perQueueBytes"), "{:,.0f} bytes")),
            ("– for each connection", text(idle.median("skylark", "perConnectionBytes"), "{:,.0f} bytes")),
            ("name server: CPU of a registration with 40 topics", text(scale.median("skylark", "nameserver", "registrationCpuUs"), "{:,.0f} µs")),
            ("name server: CPU of a route query", text(scale.median("skylark", "nameserver", "broker", "cpuUs"), "{:.1f} µs")),
            ("name server: memory for 10,000 topics on 4 of 1,000 brokers", text(scale.median("skylark", "nameserver", "anonymousBytesRegistered", scale=1e6), "{:.0f} MB"))]
    return [f"| {what} | {value} |" for what, value in rows]


def name_server_lines(scale):
    measured = scale.median("skylark", "nameserver_million", "rate")
    if measured is None:
        return ["Not measured; `scripts/bench --scale`."]
    at = {key: scale.median("skylark", "nameserver_million", *path) for key, path in (
        ("register_us", ("registrationCpuUs",)), ("bytes", ("registrationBytes",)), ("held", ("anonymousBytesRegistered",)), ("route_us", ("broker", "cpuUs")),
        ("brokers", ("brokers",)), ("topics", ("topics",)), ("seconds", ("registrationSeconds",)))}
    load_share = at["register_us"] * at["brokers"] / REGISTER_SECONDS / 1e6
    queries = 0.5 * 1e6 / at["route_us"]
    return [f"{at['brokers']:,.0f} brokers with {at['topics'] / at['brokers']:,.0f} topics each were simulated: every broker has {QUEUES_OF_A_TOPIC} queues of {at['topics']:,.0f} topics "
            "together, each topic on one broker.", "",
            f"- The table takes {at['held'] / 1e6:,.0f} MB. A registration has {at['bytes'] / 1e3:,.0f} KB and costs {at['register_us'] / 1e3:,.1f} ms of CPU; all of them, every "
            f"{REGISTER_SECONDS} s, keep a name server {load_share:.0%} of a core busy and its network at {at['bytes'] * at['brokers'] / REGISTER_SECONDS / 1e6:,.1f} MB/s. "
            f"After a restart it is whole again {at['seconds']:.1f} s after its brokers began, one after the other.",
            f"- A route query costs {at['route_us']:.1f} µs: half a core answers {queries:,.0f}/s. A client asks for each of its topics every {ROUTE_SECONDS} s, so that is "
            f"{queries * ROUTE_SECONDS:,.0f} pairs of client and topic for each name server.",
            "- Name servers share nothing: each takes all registrations, queries are spread over them. More of them serve more clients, never more topics."]


def page(settings):
    side, sweeps, idle, scale = (Section(load(settings, name)) for name in ("side", "sweeps", "idle", "scale"))
    rows, brokers = broker_rows(sweeps, side)
    queue_bytes = idle.median("skylark", "perQueueBytes")
    topics_a_broker = QUEUES_MAX // QUEUES_OF_A_TOPIC
    lines = [
        "# Capacity", "",
        "How large a cluster has to be, from what one message, queue, connection and registration cost here. Written by `scripts/bench` together with "
        "[performance.md](performance.md), which says how and on what machine the costs were measured. Take the formulas with your own measurements.", "",
        "## Costs", "", "| what | measured |", "|---|---|", *costs(side, sweeps, idle, scale), "",
        "## One broker", "",
        f"A machine of {CORES} cores like the measured ones, a disk that takes {DISK_BYTES / 1e9:g} GB/s, {NETWORK_BYTES * 8 / 1e9:g} Gbit/s of network, one replica, every bound used to "
        f"{BUSY:.0%}:", "",
        "- CPU: cores × share ÷ (send + groups × pull). Pulls are measured with 128 bytes; what the network stack copies of larger ones is not in it.",
        f"- disk: bytes a second × share ÷ (body + {RECORD_OVERHEAD} + {INDEX_OVERHEAD}). The log is written once; queues and index lie in the page cache until their flush.",
        f"- network in: body + {WIRE_OVERHEAD} a message; out: (groups + 1 replica) × (body + {RECORD_OVERHEAD} + {PULL_OVERHEAD}).", "",
        f"| body, bytes | groups | CPU of a send, µs | messages/s | bound by | the other bounds | brokers for {WANTED_RATE:,}/s |", "|---|---|---|---|---|---|---|",
        *(rows or ["| not measured | | | | | | |"]), "",
        "The numbers count masters; as many replicas come on top. They assume that CPU is spent evenly on all cores, which two cores could not show, and SYNC_FLUSH adds nothing "
        "but latency as long as one flush serves many sends.", ""]
    if brokers:
        lines += ["Disk space for each day of retention: " + "; ".join(f"{body:,} bytes, {groups} groups: {terabytes:,.1f} TB on each broker" for body, groups, _, terabytes in brokers) + ".", ""]
    lines += [
        "## Memory", "",
        "Anonymous memory = idle + queues × bytes of a queue + connections × bytes of a connection + what is in flight (requests that are being read, answers not yet sent; "
        "`remoting` bounds both). The rest belongs to the page cache, which decides whether consumers are served without the disk: it should hold what is written while the "
        "slowest group that is not replaying lags.", "",
        f"## {WANTED_TOPICS:,} topics", "",
        f"Up to {QUEUES_MAX:,} queues were measured on one broker ([performance-store.md](performance-store.md): start, memory, mappings). With {QUEUES_OF_A_TOPIC} queues a topic that is "
        f"{topics_a_broker:,} topics, so {WANTED_TOPICS:,} topics, each on one broker, need at least {math.ceil(WANTED_TOPICS / topics_a_broker):,} brokers. "
        + (f"Their queues take {queue_bytes * QUEUES_MAX / 1e6:,.0f} MB on each. " if queue_bytes else "")
        + "A topic that lies on several brokers counts on each.", "",
        *name_server_lines(scale), "",
        "## What breaks first", "",
        "1. Mappings: a process has 65,530 by default (`vm.max_map_count`). The broker keeps queue files mapped up to that number less 8,192; with traffic on more queues at "
        "once it maps and unmaps, and CPU for each message rises (curve over queues in [performance.md](performance.md)). A higher limit of the kernel counts at the next start.",
        "2. `config/topics.json`: written as a whole with each change. Changes that come together share a write; single ones, one after the other, cost a whole table each.",
        "3. Registrations: a broker sends all its topics every 30 s, and with each change at most once a second. Topics × brokers of a topic decides, not messages.",
        "4. Route answers: a topic on all of many brokers has an answer that grows with them, and each client asks for it.",
        "5. Files: a queue with messages has a folder and a file of its own, 4 KB on disk at least; a file system wants inodes for them.",
        "6. Replay: groups that read what is no longer in memory share the disk with the log's writes. Reads are slower then; sends are not, as long as the disk takes them.", "",
        "## Checked how", "",
        "`scripts/bench --scale` runs 10,000 connections, 100,000 queues, 10,000 topics with traffic on all, 1,000 groups on one topic, and a name server under 1,000 simulated brokers "
        "with 10,000 topics and under the million topics above. Larger clusters than one machine holds are computed, not run.", ""]
    return "\n".join(lines)
