# SPDX-License-Identifier: Apache-2.0
"""Runs scripts/quickstart as a newcomer does and reads its output: ids are looked up at the broker, delays compared with what was asked,
the rolled-back message must never be seen, the replay must be what was sent; and a broker killed midway must not end in exit code 0."""
import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TESTS)
sys.path.insert(0, os.path.join(TESTS, "support"))
import ports  # noqa: E402
import wire  # noqa: E402
from cases import Failure, check, run_cases  # noqa: E402

QUERY_BY_KEY, VIEW_BY_ID, MAX_OFFSET, PULL = 12, 33, 30, 11


class Quickstart:
    """A running quickstart whose lines are collected as they come."""

    def __init__(self, bin_dir, *options):
        self.namesrv = ports.claim_plain()
        self.broker = ports.claim_broker()
        self.data = tempfile.mkdtemp(prefix="skylark-quickstart-")
        self.process = subprocess.Popen(
            [os.path.join(ROOT, "scripts", "quickstart"), "--bin-dir", bin_dir, "--namesrv-port", str(self.namesrv.number),
             "--broker-port", str(self.broker.listen), "--data", self.data, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for_line(self, pattern, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.lines):
                found = re.search(pattern, line)
                if found:
                    return found
            if self.process.poll() is not None and not self.reader.is_alive():
                break
            time.sleep(0.02)
        raise Failure(f"no line like {pattern!r} in:\n" + "\n".join(self.lines))

    def wait(self, seconds=180):
        code = self.process.wait(timeout=seconds)
        self.reader.join()
        return code

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=60)
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        self.reader.join(timeout=60)

    def steps(self, name):
        """The key=value pairs of each line of that step."""
        return [dict(pair.split("=", 1) for pair in line.split(": ", 1)[1].split()) for line in self.lines
                if line.startswith(f"step {name}: ")]


def every_step_is_true(bin_dir):
    quickstart = Quickstart(bin_dir, "--serve")
    try:
        quickstart.wait_for_line("quickstart: every step was verified")
        topic = quickstart.steps("topic")[0]["topic"]
        sent = [step for step in quickstart.steps("normal") if "message_id" in step]
        check(len(sent) >= 10, f"only {len(sent)} normal messages")
        with wire.Wire("127.0.0.1", quickstart.broker.listen) as broker:
            stored = {}
            for step in sent + quickstart.steps("delayed"):
                answer = broker.call(QUERY_BY_KEY, {"topic": topic, "key": step["message_id"], "maxNum": 32, "beginTimestamp": 0,
                                                    "endTimestamp": 1 << 62, "_UNIQUE_KEY_QUERY": "true"})
                check(answer.code == 0, f"message {step['message_id']} is not found: {answer}")
                record = wire.records(answer.body)[0]
                stored[step["message_id"]] = record
                viewed = broker.call(VIEW_BY_ID, {"offset": record.physical_offset, "topic": topic})
                check(viewed.code == 0 and viewed.body[:record.size] == answer.body[:record.size], f"by its offset: {viewed}")
            for step in sent:
                record = stored[step["message_id"]]
                check((str(record.queue_id), str(record.queue_offset)) == (step["queue"], step["offset"]), f"{step} is stored elsewhere")
            ranges = {}
            for queue in range(int(quickstart.steps("topic")[0]["queues"])):
                ranges[str(queue)] = int(broker.call(MAX_OFFSET, {"topic": topic, "queueId": queue}).ext["offset"])
            bodies = []
            for queue, end in ranges.items():
                offset = 0
                while offset < end:
                    answer = broker.call(PULL, wire.pull_fields(topic, queue, offset))
                    bodies += [record.properties.get("UNIQ_KEY") for record in wire.records(answer.body)]
                    offset = int(answer.ext["nextBeginOffset"])
        for step in quickstart.steps("delayed"):
            check(int(step["measured_ms"]) >= int(step["asked_ms"]), f"delivered too early: {step}")
        rolled_back = next(step["message_id"] for step in quickstart.steps("rollback") if step.get("state") == "ROLLBACK_MESSAGE")
        check(rolled_back not in bodies, "the rolled-back message is in the topic")
        committed = next(step["message_id"] for step in quickstart.steps("commit") if step.get("state") == "COMMIT_MESSAGE")
        check(committed in bodies, "the committed message is not in the topic")
        replayed = {step["queue"]: (int(step["from"]), int(step["to"])) for step in quickstart.steps("replay") if "queue" in step}
        check(replayed == {queue: (0, end - 1) for queue, end in ranges.items() if end}, f"replayed {replayed}, stored up to {ranges}")
        total = next(int(step["replayed"]) for step in quickstart.steps("replay") if "replayed" in step)
        check(total == sum(ranges.values()), f"{total} messages came again of {sum(ranges.values())}")
    finally:
        quickstart.end()


def a_killed_broker_is_no_success(bin_dir):
    quickstart = Quickstart(bin_dir)
    try:
        pid = int(quickstart.wait_for_line(r"broker pid (\d+)").group(1))
        quickstart.wait_for_line("step normal: message_id")
        os.kill(pid, signal.SIGKILL)
        code = quickstart.wait()
        check(code != 0, "exit code 0 although the broker was killed midway")
        check(not any("every step was verified" in line for line in quickstart.lines), "it says that every step was verified")
    finally:
        quickstart.end()


CASES = [every_step_is_true, a_killed_broker_is_no_success]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    options = parser.parse_args()
    return run_cases(CASES, lambda: contextlib.nullcontext(os.path.abspath(options.bin_dir)))


if __name__ == "__main__":
    sys.exit(main())
