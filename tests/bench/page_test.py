# SPDX-License-Identifier: Apache-2.0
"""The page of scripts/bench from made-up raw data: medians, verdicts, charts, and what it says where nothing was measured."""
import argparse
import contextlib
import json
import os
import sys
import tempfile
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "scripts", "lib"), os.path.join(ROOT, "tests", "support")]
from cases import check, run_cases  # noqa: E402
from performance import data, goals, page, settings, svg  # noqa: E402

MACHINE = {"cpu": "a processor", "cores": 2, "memoryGiB": 8, "kernel": "6.1", "java": "17", "compiler": "g++", "commit": "abc", "loadAverageAtStart": 0.5}
FACTS = {"date": "2026-01-01", "rounds": 3, "seconds": 1, "warmUp": 1, "jvmWarmUp": 5, "machine": MACHINE, "loadAverageAtEnd": 1.0}


def produced(rate, cpu_us, p50=50.0, p99=100.0):
    return {"rate": rate, "broker": {"cpuUs": cpu_us, "contextSwitches": 0.1, "instructions": None},
            "latencyUs": {"count": 10, "p50": p50, "p99": p99, "p99.9": p99}}


def written(folder, **sections):
    made = settings.quick(bin_dir="", build_dir="", out=folder)
    for name, content in sections.items():
        os.makedirs(os.path.dirname(made.raw(name)), exist_ok=True)
        with open(made.raw(name), "w", encoding="utf-8") as file:
            json.dump({**FACTS, **content}, file)
    return page.page(made)


def verdicts(rows):
    return {(what, goal): met for what, goal, *_, met in rows}


def bare_figures(rows):
    return {(what, goal): bare for what, goal, _, bare, _ in rows}


def nothing_measured(folder):
    text, rows = written(folder)
    check("Nothing has been measured yet." in text, "the page does not say that nothing was measured")
    check(all(met is None for met in verdicts(rows).values()), f"verdicts without data: {rows}")


def medians_and_verdicts(folder):
    ours = [{"send_json": produced(100, cost), "one_in_flight": produced(10, 5, p50=30, p99=60)} for cost in (1.0, 9.0, 1.5)]
    java = [{"send_json": produced(10, 50), "one_in_flight": produced(10, 5, p50=200, p99=290)} for _ in range(3)]
    bare = {"echo_one_in_flight": produced(10, 5, p50=21, p99=29), "fsync": {"p50Us": 200.0}}
    text, rows = written(folder, side={"results": {"skylark": ours, "java": java}}, floor={"results": {"floor": [bare]}})
    met = verdicts(rows)
    check(bare_figures(rows)[("send latency, one in flight, p50", "≤ 1/2 of Java's")] == "0.25 of it", "a bare echo takes 21 of 84 µs")
    check(bare_figures(rows)[("send latency, one in flight, p99", "≤ 1/5 of Java's")] == "0.10 of it", "29 of 290 µs")
    check(met[("broker CPU per 128-byte send, pipelined, JSON", "≤ 1/15 of Java's")] is True, "1.5 µs is 1/16 of a warm Java's 24 µs")
    check(met[("the same, absolute", "≤ 1.6 µs")] is None, "the last row of that name is ROCKETMQ's, which was not measured")
    check(met[("send latency, one in flight, p50", "≤ 1/2 of Java's")] is True, "30 of 84 µs")
    check(met[("send latency, one in flight, p99", "≤ 1/5 of Java's")] is False, "60 of 290 µs is more than a fifth")
    check("1.500 (1–9)" in text and "**missed**" in text, "median and spread")
    check("answer p50" in text and "arrival p50" not in text, "only times that there are")


def tails_beside_a_bare_server(folder):
    def slowest(*values):
        return [{"tail_16k": {"latencyUs": {"p50": 50, "p99": 400, "p99.9": value, "max": value}}} for value in values]

    text, rows = written(folder, tails={"results": {"skylark": slowest(2500, 1900, 1800), "floor": slowest(1200)}})
    key = ("sends of 16 KB, 5,000/s, while files change, p99.9", "≤ 2 ms")
    check(verdicts(rows)[key] is True and bare_figures(rows)[key] == "1.2 ms", f"1.9 ms is the median: {rows}")
    check("| 16 KB, 5,000/s | ours | 50 | 400 | 1,900 | 1,900 |" in text and "| Java | – |" in text, "the table")


def failures_are_told(folder):
    text, _ = written(folder, side={"results": {"skylark": [{"pull": {"error": "no room"}}], "java": [{"pull": produced(1, 1)}]}})
    check("failed on Skylark" in text and "no room" in text, "an error is not on the page")


def curves(folder):
    names = [f"queues_{queues}" for queues in page.QUEUES] + ["topics_10000"]
    points = {name: produced(100_000 if name != "queues_50000" else 94_000, 2.0) for name in names}
    text, rows = written(folder, sweeps={"kafka": "4", "kafkaMissing": None, "results": {"skylark": [points], "kafka": [{"queues_1": produced(5, 1)}]}})
    check(verdicts(rows)[("rate with 1 to 50,000 queues or 10,000 topics", "flat within 5 %")] is False, "6 % lower is not flat")
    check("![Rate by number of queues](performance/queues-rate.svg)" in text, "the chart is not shown")
    check("connections-rate.svg" not in text, "a chart without points is shown")
    xml.etree.ElementTree.parse(os.path.join(folder, "performance", "queues-rate.svg"))


def charts_place_their_points(_folder):
    check(svg.chart("t", "x", "y", {"skylark": [(1, 0)]}) is None, "a chart of nothing")
    root = xml.etree.ElementTree.fromstring(svg.chart("a < b", "x", "y", {"skylark": [(1, 10), (100, 1000)], "java": [(10, 100)]}))
    circles = [(float(node.get("cx")), float(node.get("cy"))) for node in root.iter("{http://www.w3.org/2000/svg}circle")]
    check(len(circles) == 3, f"{circles}")
    (left, low), (right, high), (middle, centre) = circles
    check(abs(middle - (left + right) / 2) < 0.2 and abs(centre - (low + high) / 2) < 0.2, f"logarithmic axes: {circles}")
    check(low > high, "larger values are higher")


def nothing_is_joined_to_nothing(_folder):
    check(data.joined((None, "{}"), (3, " {}")) == data.NOTHING and data.joined((1, "{}"), (None, " {}")) == "1", "joined")
    check(goals.at_most(None, 3) is None and goals.at_most(3, 3) is True and goals.at_most(4, 3) is False, "at_most")


CASES = [nothing_measured, medians_and_verdicts, tails_beside_a_bare_server, failures_are_told, curves, charts_place_their_points, nothing_is_joined_to_nothing]


@contextlib.contextmanager
def page_folder():
    with tempfile.TemporaryDirectory(prefix="skylark-page-") as folder:
        os.makedirs(os.path.join(folder, "performance"))
        yield folder


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    return run_cases(CASES, page_folder)


if __name__ == "__main__":
    sys.exit(main())
