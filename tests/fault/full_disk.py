# SPDX-License-Identifier: Apache-2.0
"""A real small disk: the store on a tmpfs of 64 MB, filled by sends. The broker must refuse them and stay alive, go on serving reads,
take messages again by itself when space returns, and lose nothing that it acknowledged, over a kill as well.

Where no file system can be mounted it says why and counts that as its one passed case. Ends with `N passed, N failed`.
"""
import argparse
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ports  # noqa: E402
import programs  # noqa: E402
import wire  # noqa: E402

# Nothing is removed for space, whatever the age: what was acknowledged has to be there at the end.
CONFIG = """brokerName=broker-a
brokerIP1=127.0.0.1
listenPort={port}
storePathRootDir={store}
logDir={logs}
mappedFileSizeCommitLog=1048576
mappedFileSizeConsumeQueue=20000
maxHashSlotNum=10000
maxIndexNum=100000
diskMaxUsedSpaceRatio=95
diskSpaceWarningLevelRatio=80
diskSpaceCleanForciblyRatio=100
fileReservedTime=10000
"""
TOPIC = "FullDisk"
BALLAST_BYTES = 30 << 20
DEADLINE_SECONDS = 180
SERVICE_NOT_AVAILABLE = 14


def body_of(number):
    return (b"message %d " % number).ljust(8000, b".")


class Broker:
    def __init__(self, options, work):
        self.port = ports.claim_broker().listen
        self.command = [os.path.join(options.bin_dir, "mqbroker"), "-c", os.path.join(work, "broker.conf")]
        self.out = os.path.join(work, "broker.out")
        self.process = None
        with open(os.path.join(work, "broker.conf"), "w") as file:
            file.write(CONFIG.format(port=self.port, store=os.path.join(work, "disk", "store"), logs=os.path.join(work, "logs")))

    def start(self):
        self.process, _ = programs.start(self.command, self.out, DEADLINE_SECONDS)

    def said(self):
        with open(self.out, "r", errors="replace") as file:
            return file.read()

    def check_alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the broker ended with {self.process.returncode}: {self.said()[-2000:]}")

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()


def send(connection, number):
    return connection.call(10, {"producerGroup": "full-disk", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": 1,
                                "queueId": 0, "sysFlag": 0, "bornTimestamp": int(time.time() * 1000), "flag": 0,
                                "properties": f"KEYS\x01key{number}\x02", "reconsumeTimes": 0, "unitMode": "false", "batch": "false"},
                           body_of(number))


def read_all(connection):
    """Bodies by queue offset, from the beginning to where the queue ends."""
    bodies = {}
    while True:
        answer = connection.call(11, {"consumerGroup": "full-disk", "topic": TOPIC, "queueId": 0, "queueOffset": len(bodies),
                                      "maxMsgNums": 32, "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0, "subscription": "*",
                                      "subVersion": 0, "expressionType": "TAG"})
        if answer.code != 0:
            return bodies
        at = 0
        while at < len(answer.body):
            size, = struct.unpack_from(">i", answer.body, at)
            offset, = struct.unpack_from(">q", answer.body, at + 20)
            length, = struct.unpack_from(">i", answer.body, at + 84)
            bodies[offset] = answer.body[at + 88:at + 88 + length]
            at += size


def await_true(what, condition):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {DEADLINE_SECONDS} s: {what}")
        time.sleep(0.2)


class Story:
    def __init__(self, broker, disk):
        self.broker = broker
        self.ballast = os.path.join(disk, "ballast")
        self.acknowledged = {}  # Number of the message by queue offset.
        self.sent = 0
        self.remark = ""

    def send_one(self, connection):
        """The answer's code; what was acknowledged is remembered."""
        self.sent += 1
        answer = send(connection, self.sent)
        self.broker.check_alive()
        self.remark = answer.remark
        if answer.code == 0:
            offset = int(answer.ext["queueOffset"])
            if offset in self.acknowledged:
                raise RuntimeError(f"offset {offset} was given twice")
            self.acknowledged[offset] = self.sent
        return answer.code

    def wrong(self, bodies):
        return [offset for offset, number in self.acknowledged.items() if bodies.get(offset) != body_of(number)]

    def fills_up(self):
        with open(self.ballast, "wb") as file:
            file.write(b"x" * BALLAST_BYTES)
        self.broker.start()
        with wire.Wire("127.0.0.1", self.broker.port) as connection:
            await_true("the first message is taken", lambda: self.send_one(connection) == 0)
            while (code := self.send_one(connection)) == 0:
                if self.sent * 8000 > 64 << 20:
                    raise RuntimeError("more was taken than the disk holds")
            if code != SERVICE_NOT_AVAILABLE or "the broker's disk is full [CL:  " not in self.remark:
                raise RuntimeError(f"the first refusal says {code}, {self.remark}")
            if (code := self.send_one(connection)) != SERVICE_NOT_AVAILABLE:
                raise RuntimeError(f"the second refusal says {code}, {self.remark}")

    def reads_go_on(self):
        with wire.Wire("127.0.0.1", self.broker.port) as connection:
            bodies = read_all(connection)
            self.broker.check_alive()
            bad = [offset for offset in self.wrong(bodies) if offset in bodies]
            # A queue that got no space lists its last messages only when space is back.
            if bad or len(bodies) < len(self.acknowledged) // 2:
                raise RuntimeError(f"{len(bodies)} of {len(self.acknowledged)} could be read, {len(bad)} of them wrong")

    def space_returns(self):
        os.remove(self.ballast)
        with wire.Wire("127.0.0.1", self.broker.port) as connection:
            await_true("messages are taken again", lambda: self.send_one(connection) == 0)
            for _ in range(100):
                await_true("messages are taken", lambda: self.send_one(connection) == 0)
            await_true("everything acknowledged is read", lambda: not self.wrong(read_all(connection)))

    def outlives_a_kill(self):
        self.broker.kill()
        self.broker.start()
        with wire.Wire("127.0.0.1", self.broker.port) as connection:
            await_true("everything acknowledged is read after the kill", lambda: not self.wrong(read_all(connection)))
            await_true("messages are taken after the kill", lambda: self.send_one(connection) == 0)
        print(f"acked={len(self.acknowledged)} refused={self.sent - len(self.acknowledged)} lost=0", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    options = parser.parse_args()
    options.bin_dir = os.path.abspath(options.bin_dir)
    work = tempfile.mkdtemp(prefix="skylark-full-disk-")
    disk = os.path.join(work, "disk")
    os.mkdir(disk)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True, text=True) \
        if os.geteuid() == 0 and shutil.which("mount") else None
    if mounted is None or mounted.returncode != 0:
        print("skipped: no disk can be mounted here: " + ("not root, or no mount" if mounted is None else mounted.stderr.strip()))
        shutil.rmtree(work, ignore_errors=True)
        print("1 passed, 0 failed")
        return 0
    broker = Broker(options, work)
    story = Story(broker, disk)
    passed = failed = 0
    try:
        for part in (story.fills_up, story.reads_go_on, story.space_returns, story.outlives_a_kill):
            part()
            passed += 1
            print(f"CASE {part.__name__}: passed", flush=True)
    except Exception as error:  # The parts build on each other: the first failure is the last.
        failed = 1
        print(f"CASE {part.__name__}: failed: {error}", flush=True)
        if os.path.exists(broker.out):
            print(broker.said()[-3000:])
    finally:
        broker.kill()
        subprocess.run(["umount", "-l", disk], capture_output=True)
        shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
