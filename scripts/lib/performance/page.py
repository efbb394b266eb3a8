# SPDX-License-Identifier: Apache-2.0
"""docs/performance.md and its charts, written from the raw data of the sections."""
import os

from performance import goals, svg
from performance.data import NOTHING, Section, ratio, text
from performance.sections import CONNECTIONS, KAFKA_QUEUES_MAX, QUEUES, SIZES
from performance.settings import load

SECTIONS = ("side", "sync", "tails", "sweeps", "idle", "floor", "scale")
SIDE_NAMES = {
    "send_json": "send, JSON headers, pipelined", "send_rocketmq": "send, ROCKETMQ headers, pipelined",
    "send_flatbuffers": "send, FlatBuffers headers, pipelined", "one_in_flight": "send, one in flight", "pull": "pull by 32, for each message",
    "consume": "8 groups over long polls, for each delivery", "e2e": "1,000/s to a waiting consumer", "mixed": "10,000/s, consumers waiting",
    "transactions": "transaction, 10 % rolled back", "delay": "1,000/s delayed by 1 s",
}
SYNC_NAMES = {"sync_one_in_flight": "send, one in flight", "sync_pipelined": "send, pipelined"}
TAIL_NAMES = {"tail_16k": "16 KB, 5,000/s", "tail_128": "128 bytes, 20,000/s"}
TIMES = (("latencyUs", "answer"), ("arrivalUs", "arrival"), ("latenessUs", "lateness"), ("halfMessageUs", "half message stored"))


def comparison(section, names):
    """Rows of a table: every load that was measured on ours, beside Java's."""
    out = ["| load | | ours | Java | Java / ours |", "|---|---|---|---|---|"]

    def row(load_text, label, path, form, name, scale=1):
        ours, java = (section.median(server, name, *path, scale=scale) for server in ("skylark", "java"))
        if ours is None and java is None:
            return
        spread = section.spread("skylark", name, *path, scale=scale)
        spread = "" if spread == NOTHING else f" ({spread})"
        out.append(f"| {load_text} | {label} | {text(ours, form)}{spread} | {text(java, form)} | {text(ratio(java, ours), '{:.2f}')} |")

    for name, load_text in names.items():
        for server in ("skylark", "java"):
            if section.error(server, name):
                out.append(f"| {load_text} | failed on {svg.LABELS[server]} | | {section.error(server, name)} | |")
        row(load_text, "messages/s", ("rate",), "{:,.0f}", name)
        row(load_text, "broker CPU, µs", ("broker", "cpuUs"), "{:.3f}", name)
        row(load_text, "instructions, user space", ("broker", "instructions"), "{:,.0f}", name)
        row(load_text, "context switches", ("broker", "contextSwitches"), "{:.3f}", name)
        row(load_text, "deliveries/s", ("deliveredRate",), "{:,.0f}", name)
        for key, what in TIMES:
            if section.median("skylark", name, key, "count") == 0:
                continue  # A load without such times.
            for point in ("p50", "p99", "p99.9"):
                row(load_text, f"{what} {point}, µs", (key, point), "{:,.0f}", name)
        row(load_text, "memory behind it, anonymous, MB", ("broker", "rssAnonymousBytes"), "{:,.0f}", name, 1e6)
    return out


def curve(section, prefix, points, *path):
    return {server: [(point, section.median(server, f"{prefix}_{point}", *path) or 0) for point in points] for server in ("skylark", "java", "kafka")}


def charts(settings, section):
    """Writes the charts. Returns lines of the page that show them."""
    wanted = [("queues", QUEUES, "queues (Kafka: partitions)", "rate", ("rate",), "Rate by number of queues", "messages/s"),
              ("queues", QUEUES, "queues (Kafka: partitions)", "cpu", ("broker", "cpuUs"), "Broker CPU by number of queues", "µs a message"),
              ("connections", CONNECTIONS, "connections", "rate", ("rate",), "Rate by number of connections", "messages/s"),
              ("connections", CONNECTIONS, "connections", "cpu", ("broker", "cpuUs"), "Broker CPU by number of connections", "µs a message"),
              ("size", SIZES, "bytes of a body", "rate", ("rate",), "Rate by size of messages", "messages/s")]
    lines = []
    for prefix, points, x_label, kind, path, title, y_label in wanted:
        drawn = svg.chart(title, x_label, y_label, curve(section, prefix, points, *path))
        if drawn is None:
            continue
        name = f"{prefix}-{kind}.svg"
        with open(os.path.join(settings.out, "performance", name), "w", encoding="utf-8") as file:
            file.write(drawn)
        lines.append(f"![{title}](performance/{name})")
    return lines


def sweep_table(section):
    out = ["| point | ours, /s | CPU µs | Java, /s | CPU µs | Kafka, /s | CPU µs |", "|---|---|---|---|---|---|---|"]
    names = [f"queues_{n}" for n in QUEUES] + ["topics_10000"] + [f"connections_{n}" for n in CONNECTIONS] + [f"size_{n}" for n in SIZES]
    for name in names:
        cells = []
        for server in ("skylark", "java", "kafka"):
            failed = section.error(server, name)
            cells += [f"failed: {failed}" if failed else text(section.median(server, name, "rate")),
                      text(section.median(server, name, "broker", "cpuUs"), "{:.2f}")]
        what, number = name.rsplit("_", 1)
        out.append(f"| {int(number):,} {'bytes' if what == 'size' else what} | {' | '.join(cells)} |")
    return out


def machine_lines(sections):
    first = next((section.content for section in sections.values() if section.there), None)
    if first is None:
        return ["Nothing has been measured yet."]
    machine = first["machine"]
    lines = [f"- Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memoryGiB']} GiB, Linux {machine['kernel']}. Servers and load generator share it.",
             f"- Ours: release build, {machine['compiler']}. Java: Apache RocketMQ 5.3.3, {machine['java']}, `-Xms1g -Xmx4g -XX:+UseG1GC`.",
             "- Both: ASYNC_MASTER, ASYNC_FLUSH unless said otherwise, commit log files of 1 GiB, one and the same broker.conf, the same disk, a fresh "
             "store for each round, one server at a time, in alternation. Medians of the rounds; smallest and largest of ours in brackets.",
             "- Memory is filled with pages of a file before each server, as on a machine that has run for some time: the first touch of a page "
             "that a virtual machine has not used waits for its host, and would be counted to the server.",
             "- CPU is user and system time of the server's process divided by the messages. Instructions and CPU are the steady figures; rates "
             "and latencies of a machine whose cores are shared compare within one run alone."]
    if machine["cores"] < 4:
        lines.append(f"- With {machine['cores']} cores the load generator takes a core from the server: rates are those of what is left, and how a "
                     "server scales over many cores cannot be seen here.")
    counted = any(section.values(server, name, "broker", "instructions") for section in sections.values() for server in ("skylark", "java")
                  for name in SIDE_NAMES)
    if not counted:
        lines.append("- Instructions are not counted: this machine offers no performance counters.")
    lines.append("")
    lines += ["| section | date | commit | rounds | measured | warm-up | JVM warmed before | load average, begin – end | raw data |", "|---|---|---|---|---|---|---|---|---|"]
    for name, section in sections.items():
        if not section.there:
            lines.append(f"| {name} | not measured | | | | | | | |")
            continue
        at = section.content
        lines.append(f"| {name} | {at['date']} | {at['machine']['commit']} | {at['rounds']} | {at['seconds']:g} s | {at['warmUp']:g} s | "
                     f"{at.get('jvmWarmUp', 0):g} s | {at['machine']['loadAverageAtStart']:.1f} – {text(at.get('loadAverageAtEnd'), '{:.1f}')} | "
                     f"[{name}.json](performance/{name}.json) |")
    lines += ["", "A load average above the number of cores at the begin means that other programs ran. A fresh JVM compiles while it is measured: "
              "with little warming its figures are too high. Goals are therefore judged against the smaller of what was measured and what a "
              f"warm RocketMQ took on two less loaded cores ({goals.JAVA_WARM_CPU_US['send_json']} µs of CPU a send, {goals.JAVA_WARM_CPU_US['pull']} µs "
              f"a pulled message, {goals.JAVA_WARM_P50_US} µs for the median send, one in flight)."]
    return lines


def idle_lines(section):
    out = ["| | ours | Java |", "|---|---|---|"]
    for label, path, scale, form in (("memory, anonymous, MB", ("idle", "anonymousBytes"), 1e6, "{:.1f}"), ("memory, files, MB", ("idle", "fileBytes"), 1e6, "{:.1f}"),
                                     ("bytes for each idle connection", ("perConnectionBytes",), 1, "{:,.0f}"),
                                     ("bytes for each queue with a message", ("perQueueBytes",), 1, "{:,.0f}"),
                                     ("first answer after a start, empty store, ms", ("emptyMs",), 1, "{:,.0f}"),
                                     ("the same on a filled store, ms", ("filledMs",), 1, "{:,.0f}"), ("size of that store, GB", ("storeGb",), 1, "{:g}")):
        cells = [text(section.median(server, *path, scale=scale), form) for server in ("skylark", "java")]
        out.append(f"| {label} | {' | '.join(cells)} |")
    return out + ["", f"Over {section.content.get('connections', 0):,} connections that sent one request, and {section.content.get('queues', 0):,} queues. "
                  "Java's figure for a connection includes what its heap grew by chance."]


def scale_lines(section):
    names = {"connections_10000": "10,000 connections, one in flight each", "topics_10000": "10,000 topics of 2 queues, 20,000/s sent, all consumed",
             "groups_1000": "1,000 groups on one topic, 100/s sent, 100,000/s delivered", "queues_100000": "100,000 queues of one topic",
             "nameserver": "name server: 1,000 brokers, 10,000 topics on 4 brokers each, routes",
             "nameserver_million": "name server: 40 brokers, 1,000,000 topics on one broker each, routes"}
    out = ["| | server | messages/s | deliveries/s | CPU µs | p50 µs | p99 µs | arrival p50 µs | arrival p99 µs | anonymous MB |", "|---|---|---|---|---|---|---|---|---|---|"]
    for name, label in names.items():
        for server in ("skylark", "java"):
            failed = section.error(server, name)
            if failed:
                out.append(f"| {label} | {svg.LABELS[server]} | failed: {failed} | | | | | | | |")
            if section.median(server, name, "rate") is None:
                continue
            held = section.median(server, name, "broker", "rssAnonymousBytes", scale=1e6)
            cells = [text(section.median(server, name, *path), form) for path, form in (
                (("rate",), "{:,.0f}"), (("deliveredRate",), "{:,.0f}"), (("broker", "cpuUs"), "{:.2f}"), (("latencyUs", "p50"), "{:,.0f}"),
                (("latencyUs", "p99"), "{:,.0f}"), (("arrivalUs", "p50"), "{:,.0f}"), (("arrivalUs", "p99"), "{:,.0f}"))]
            out.append(f"| {label} | {svg.LABELS[server]} | {' | '.join(cells)} | {text(held, '{:.0f}')} |")
    out += ["", "Many topics, groups and queues were loaded for 30, 20 and 10 s before: a broker makes queues and groups at their first use."]
    for server in ("skylark", "java"):
        seconds, each = (section.median(server, "nameserver", key) for key in ("registrationSeconds", "registrationCpuUs"))
        if seconds is not None:
            out += ["", f"{svg.LABELS[server]} took {seconds:.2f} s for the first registrations, one after the other, {text(each, '{:,.0f}')} µs of CPU each, then "
                    f"{text(section.median(server, 'nameserver', 'registrationsRepeated'))} repeated ones among the queries."]
    return out


def tail_lines(section):
    if not section.there:
        return ["Not measured."]
    out = ["| sends, answer after µs | server | p50 | p99 | p99.9 | largest |", "|---|---|---|---|---|---|"]
    for name, label in TAIL_NAMES.items():
        for server, who in (("skylark", "ours"), ("java", "Java"), ("floor", "a bare server, which stores nothing")):
            cells = [text(section.median(server, name, "latencyUs", point)) for point in ("p50", "p99", "p99.9", "max")]
            out.append(f"| {label} | {who} | {' | '.join(cells)} |")
    return out + ["", "By schedule: what is late counts from when it was due. Log files of 64 MB, index files of 20,000 entries and queue files of 3,000 units, so that "
                  "one of each is begun every second or few."]


def floor_lines(section):
    if not section.there:
        return ["Not measured."]
    names = {"echo_one_in_flight": "a bare Asio server that copies and answers sends, one in flight", "echo_pipelined": "the same, pipelined",
             "memcpy": "a record copied into a mapped file", "fsync": "4 KB written and made durable", "sendfile": "32 records sent by sendfile"}
    out = ["| what the machine does without a broker | /s | CPU µs | p50 µs | p99 µs |", "|---|---|---|---|---|"]
    for name, label in names.items():
        cells = [("rate",), ("broker", "cpuUs"), ("latencyUs", "p50"), ("latencyUs", "p99")] if name.startswith("echo") else [("rate",), ("cpuUs",), ("p50Us",), ("p99Us",)]
        forms = ("{:,.0f}", "{:.3f}", "{:,.1f}", "{:,.1f}")
        out.append(f"| {label} | {' | '.join(text(section.median('floor', name, *path), form) for path, form in zip(cells, forms))} |")
    return out + ["", "Measured by `tests/bench/floor`; the server is loaded by mqbench with ROCKETMQ headers, as a broker is."]


def page(settings):
    sections = {name: Section(load(settings, name)) for name in SECTIONS}
    side, sync, tails, sweeps, idle, floor, scale = sections.values()
    lines = ["# Performance", "", "Made by `scripts/bench` from the raw data in `docs/performance/`; `scripts/bench --page-only` writes it again. How to measure: "
             "`scripts/bench --help`. The store alone, without network: [performance-store.md](performance-store.md). Why goals are missed: [performance-profile.md](performance-profile.md).", "",
             *machine_lines(sections), "", "## Goals", "", "| what | goal | measured | without a broker | |", "|---|---|---|---|---|"]
    lines += [f"| {what} | {goal} | {value} | {bare} | {goals.verdict(met)} |"
              for what, goal, value, bare, met in goals.rows(side, sync, tails, sweeps, idle, floor)]
    lines += ["", "Without a broker: a bare Asio server that copies sends and answers them, 32 records sent by `sendfile` with both ends of the connection; from the sections "
              "on tails and the floor."]
    lines += ["", "## Side by side", "", "128-byte bodies with a unique key, one topic of 4 queues. Pipelined: 16 connections with 32 sends in flight each. Loads by "
              "schedule time what is late from when it was due.", "", *comparison(side, SIDE_NAMES),
              "", "## SYNC_FLUSH", "", "An answer means that the message is on disk.", "", *comparison(sync, SYNC_NAMES),
              "", "## Tails", "", *tail_lines(tails),
              "", "## Curves", ""]
    if sweeps.there:
        missing = sweeps.content.get("kafkaMissing")
        kafka = (f"Kafka could not be had: {missing}" if missing else
                 f"Kafka {sweeps.content.get('kafka')}, one KRaft node, acks=1, loaded by its own ProducerPerformance, whose client gathers records into batches: compare "
                 f"the shape of its curve, not its height, which includes the start of that client. It was not tried above {KAFKA_QUEUES_MAX:,} partitions.")
        lines += [f"16 connections × 32 in flight but where connections vary; every queue written to before it is measured; 50,000 queues and 10,000 topics in the first round alone. {kafka}", "", *charts(settings, sweeps), "",
                  *sweep_table(sweeps)]
    else:
        lines.append("Not measured.")
    lines += ["", "## Without load", "", *(idle_lines(idle) if idle.there else ["Not measured."]),
              "", "## Large numbers", "", *(scale_lines(scale) if scale.there else ["Not measured; `scripts/bench --scale`."]),
              "", "## The floor", "", *floor_lines(floor), ""]
    return "\n".join(lines), goals.rows(side, sync, tails, sweeps, idle, floor)
