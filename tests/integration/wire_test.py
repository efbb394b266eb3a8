# SPDX-License-Identifier: Apache-2.0
"""What a connection carries, seen from outside: answers that overtake, flushes shared by many sends, and which codec goes to whom.

Real processes; the broker's own counters come from its runtime information (request 28)."""
import argparse
import json
import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "support"))
import wire  # noqa: E402
from cases import Case, check, run_cases  # noqa: E402

SEND, PULL, CREATE_TOPIC, RUNTIME_INFO = 310, 11, 17, 28


def counters(port):
    with wire.Wire("127.0.0.1", port) as connection:
        answer = connection.call(RUNTIME_INFO)
    check(answer.code == 0, f"runtime information: {answer}")
    return json.loads(answer.body)["table"]


def create_topic(port, topic):
    with wire.Wire("127.0.0.1", port) as connection:
        answer = connection.call(CREATE_TOPIC, {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 4, "writeQueueNums": 4, "perm": 6,
                                                "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"})
    check(answer.code == 0, f"create topic: {answer}")


def answers_overtake_and_flushes_are_shared(case):
    _, port = case.start_pair("flushDiskType=SYNC_FLUSH\n")
    create_topic(port, "Shared")
    create_topic(port, "Quiet")
    before = int(counters(port)["commitLogFlushTimes"])
    sends = 64
    with wire.Wire("127.0.0.1", port) as connection:
        held = connection.send(PULL, wire.pull_fields("Quiet", 0, 0, suspend_ms=15_000))
        # One write carries all sends, behind the pull that is held.
        frames = b""
        for number in range(sends):
            connection.opaque += 1
            frames += wire.frame(SEND, wire.send_fields("Shared", number % 4), f"message {number}".encode(), connection.opaque)
        connection.send_raw(frames)
        answers = [connection.wait(held + 1 + number) for number in range(sends)]
        check(all(answer.code == 0 for answer in answers), f"sends fail: {[answer for answer in answers if answer.code][:3]}")
        check(held not in connection.waiting, "the held pull was answered before its message came")
        after = int(counters(port)["commitLogFlushTimes"])
        check(0 < after - before < sends, f"{after - before} flushes for {sends} sends")
        with wire.Wire("127.0.0.1", port) as other:
            answer = other.call(SEND, wire.send_fields("Quiet", 0), b"wake up")
            check(answer.code == 0, f"send: {answer}")
        answer = connection.wait(held)
        check(answer.code == 0 and wire.records(answer.body)[0].body == b"wake up", f"the held pull: {answer}")


def our_client_speaks_flatbuffers(case):
    namesrv_port, port = case.start_pair()
    acks = os.path.join(case.work, "acks")
    done = subprocess.run([os.path.join(case.bin, "skylark_ack_log"), "produce", "--namesrv", f"127.0.0.1:{namesrv_port}", "--topic", "Native",
                           "--file", acks, "--acks", "3000"], capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"the producer ends with {done.returncode}: {done.stdout} {done.stderr}")
    table = counters(port)
    received = {codec: int(table[f"framesReceived{codec}"]) for codec in ("Json", "Rocketmq", "Flatbuffers")}
    share = received["Flatbuffers"] / sum(received.values())
    check(received["Flatbuffers"] >= 3000 and share >= 0.95, f"frames by codec: {received}")


def others_never_see_flatbuffers(case):
    _, port = case.start_pair()
    create_topic(port, "Plain")
    with wire.Wire("127.0.0.1", port) as connection:
        for number in range(100):
            answer = connection.call(SEND, wire.send_fields("Plain", number % 4), b"plain")
            check(answer.code == 0 and "codecs" not in answer.ext, f"send: {answer}")
    table = counters(port)
    check(int(table["framesSentFlatbuffers"]) == 0 and int(table["framesReceivedFlatbuffers"]) == 0, "type 2 frames without an announcement")


CASES = [answers_overtake_and_flushes_are_shared, our_client_speaks_flatbuffers, others_never_see_flatbuffers]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    options = parser.parse_args()
    return run_cases(CASES, lambda: Case(options.bin_dir))


if __name__ == "__main__":
    sys.exit(main())
