# SPDX-License-Identifier: Apache-2.0
"""Every subcommand of mqbench for a second against a real broker and name server: what it says it did is what the broker holds.

Rates are not looked at. What the broker holds is asked for by the tests' own small client."""
import argparse
import json
import os
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "support"))
import wire  # noqa: E402
from cases import Case, check, refused, run_cases  # noqa: E402

QUERY_CONSUMER_OFFSET, GET_MAX_OFFSET, GET_TOPIC_CONFIG = 14, 30, 351
SHORT = ["--seconds", "1", "--warm-up", "0.3", "--quiet", "-o", "json"]


def bench(case, port, load, *flags, topic=None):
    """What a run of that load on the topic (`Bench_<load>`) reports; nothing may have been refused."""
    code, out, errors = case.run("mqbench", load, "-b", f"127.0.0.1:{port}", "--topic", topic or f"Bench_{load}", *SHORT, *flags, timeout=240)
    check(code == 0, f"mqbench {load}: exit code {code}: {errors}")
    result = json.loads(out)
    check(result["messages"] > 0 and result["refused"] == 0, f"mqbench {load}: {out}")
    return result


def ends(port, topic, queues=4):
    """Maximum offset of each queue."""
    found = []
    with wire.Wire("127.0.0.1", port) as connection:
        for queue in range(queues):
            answer = connection.call(GET_MAX_OFFSET, {"topic": topic, "queueId": queue, "committed": "true"})
            check(answer.code == 0, f"end of a queue: {answer}")
            found.append(int(answer.ext["offset"]))
    return found


def committed(port, topic, group, queues=4):
    """Offset that a group of the load has committed in each queue."""
    found = []
    with wire.Wire("127.0.0.1", port) as connection:
        for queue in range(queues):
            answer = connection.call(QUERY_CONSUMER_OFFSET, {"consumerGroup": f"skylark_bench_{group:05}", "topic": topic, "queueId": queue})
            check(answer.code == 0, f"offset of a group: {answer}")
            found.append(int(answer.ext["offset"]))
    return found


def same(what, said, held):
    """`held` is asked again until it is what was said: queues follow the log a little later."""
    deadline = time.monotonic() + 30
    while held() != said and time.monotonic() < deadline:
        time.sleep(0.02)
    check(held() == said, f"{what}: mqbench says {said}, the broker {held()}")


def produce_counts_what_is_stored(case):
    _, port = case.start_pair()
    for number, codec in enumerate(("json", "rocketmq", "flatbuffers")):
        topic = f"Produce{number}_"
        result = bench(case, port, "produce", "--codec", codec, "--topics", "3", "--connections", "40", "--in-flight", "8",
                       "--broker-pid", str(case.running[1].pid), topic=topic)
        same(codec, result["storedTotal"], lambda: sum(sum(ends(port, f"{topic}{i}")) for i in range(3)))
        check(result["broker"]["cpuUs"] > 0 and result["broker"]["rssAnonymousBytes"] > 0, f"cost of the broker: {result['broker']}")
    counted = bench(case, port, "produce", "--count", "1000", "--queues", "1")
    check(counted["requests"] >= 1000, f"--count 1000 ends after {counted['requests']}")
    same("one queue", counted["storedTotal"], lambda: ends(port, "Bench_produce", 1)[0])


def many_topics_are_created_where_they_are_missing(case):
    _, port = case.start_pair()
    bench(case, port, "produce", "--topics", "70", "--queues", "1", "--count", "100", topic="Many")
    result = bench(case, port, "produce", "--topics", "600", "--queues", "2", topic="Many")
    check(result["refused"] == 0, f"{result}")
    with wire.Wire("127.0.0.1", port) as connection:
        for topic in ("Many0", "Many69", "Many70", "Many599"):
            answer = connection.call(GET_TOPIC_CONFIG, {"topic": topic})
            check(answer.code == 0 and json.loads(answer.body)["writeQueueNums"] == 2, f"{topic}: {answer} {answer.body}")


def latency_has_one_in_flight(case):
    _, port = case.start_pair()
    result = bench(case, port, "latency")
    same("latency", result["storedTotal"], lambda: sum(ends(port, "Bench_latency")))
    scheduled = bench(case, port, "latency", "--rate", "200", topic="Scheduled")
    same("by schedule", scheduled["storedTotal"], lambda: sum(ends(port, "Scheduled")))
    check(scheduled["latencyUs"]["count"] == scheduled["requests"], f"each is timed: {scheduled}")


def readers_get_what_was_stored(case):
    _, port = case.start_pair()
    pulled = bench(case, port, "pull", "--preload", "5000", "--connections", "2", "--in-flight", "2")
    check(pulled["messages"] > pulled["requests"], "a pull gives more than one message")
    consumed = bench(case, port, "consume", "--preload", "5000", "--connections", "3", "--groups", "5", "--commit-interval", "50")
    check(consumed["delivered"] == consumed["messages"] > 0 and consumed["commits"] > 0, f"consume: {consumed}")
    for group in range(5):
        check(all(0 <= offset <= end for offset, end in zip(committed(port, "Bench_consume", group), ends(port, "Bench_consume"))), "commits")


def waiting_consumers_get_every_message(case):
    _, port = case.start_pair()
    for load, flags in (("e2e", ["--rate", "300", "--codec", "flatbuffers"]), ("mixed", ["--ratio", "1:3", "--connections", "8", "--rate", "2000"])):
        result = bench(case, port, load, "--groups", "3", "--commit-interval", "100", *flags)
        held = ends(port, f"Bench_{load}")
        check(result["storedTotal"] == sum(held) and result["deliveredTotal"] == 3 * sum(held), f"{load}: {result}, the broker holds {held}")
        for group in range(3):
            same(f"{load}: commits of group {group}", held, lambda group=group: committed(port, f"Bench_{load}", group))
        check(result["arrivalUs"]["count"] > 0 and result["arrivalUs"]["p50"] > 0, f"times of arrival: {result}")


def transactions_end_as_they_were_told(case):
    _, port = case.start_pair()
    result = bench(case, port, "transactions", "--rollback", "25", "--verify", "--connections", "2", "--in-flight", "4")
    stored = sum(ends(port, "Bench_transactions"))
    check(result["committedTotal"] == result["deliveredTotal"] == stored, f"{result}, the broker holds {stored}")
    share = result["rolledBackTotal"] / (result["rolledBackTotal"] + result["committedTotal"])
    check(abs(share - 0.25) < 0.05, f"a quarter is rolled back: {share}")


def delayed_messages_all_come_late(case):
    _, port = case.start_pair("messageDelayLevel=1s 5s\n")
    result = bench(case, port, "delay", "--rate", "200", "--levels", "1s 5s")
    same("delay", result["storedTotal"], lambda: sum(ends(port, "Bench_delay")))
    check(result["deliveredTotal"] == result["storedTotal"], f"deliveries: {result}")
    check(result["delayMs"] == 1000 and result["latenessUs"]["count"] > 0, f"lateness: {result}")


def name_server_holds_simulated_brokers(case):
    name_server, _ = case.start_pair()
    code, out, errors = case.run("mqbench", "nameserver", "-n", f"127.0.0.1:{name_server}", "--brokers", "20", "--topics", "50", "--spread", "4",
                                 "--register-interval", "1", "--server-pid", str(case.running[0].pid), *SHORT, timeout=120)
    check(code == 0, f"exit code {code}: {errors}")
    result = json.loads(out)
    check(result["refused"] == 0 and result["brokersPerRoute"] == 4, f"routes: {result}")
    check(result["registrationUs"]["count"] == 20 and result["registrationsRepeated"] > 0, f"registrations: {result}")


def errors_are_one_line(case):
    _, port = case.start_pair("autoCreateTopicEnable=false\n")
    refused(case.run("mqbench", "produce", "--connections", "many"), "--connections")
    refused(case.run("mqbench", "mixed", "--ratio", "all"), "--ratio", "producers:consumers")
    for flags, word in ((["-b", "127.0.0.1:1"], "cannot connect"), (["-b", f"127.0.0.1:{port}", "--broker-pid", "2147483600"], "--broker-pid"),
                        (["-b", f"127.0.0.1:{port}", "--no-create", "--topic", "Nowhere", *SHORT], "no message went through")):
        code, _, errors = case.run("mqbench", "produce", *flags)
        check(code == 1 and word in errors and len(errors.strip().splitlines()) == 1, f"{flags}: {code}, {errors!r}")


CASES = [produce_counts_what_is_stored, many_topics_are_created_where_they_are_missing, latency_has_one_in_flight, readers_get_what_was_stored, waiting_consumers_get_every_message,
         transactions_end_as_they_were_told, delayed_messages_all_come_late, name_server_holds_simulated_brokers, errors_are_one_line]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    options = parser.parse_args()
    return run_cases(CASES, lambda: Case(options.bin_dir))


if __name__ == "__main__":
    sys.exit(main())
