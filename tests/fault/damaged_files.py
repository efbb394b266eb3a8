# SPDX-License-Identifier: Apache-2.0
"""Small files of a broker's store, missing, empty or full of garbage, and files that are not the broker's: it starts with what is left
and serves every message. Where nothing is left to start with it says which file, and does not start.

Prints `CASE name pass|FAIL`, ends with `N passed, N failed`.
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ports  # noqa: E402
import programs  # noqa: E402
import wire  # noqa: E402

CONFIG = """brokerName=broker-a
brokerIP1=127.0.0.1
listenPort={port}
storePathRootDir={store}
logDir={logs}
mappedFileSizeCommitLog=1048576
mappedFileSizeConsumeQueue=20000
maxHashSlotNum=1000
maxIndexNum=4000
"""
TABLES = ("topics.json", "subscriptionGroup.json", "consumerOffset.json", "delayOffset.json")
MESSAGES = 20
GARBAGE = b'{"dataVersion":{"counter":\x00\x01 no table'
START_SECONDS = 120


class Broker:
    def __init__(self, options, work):
        self.work = work
        self.store = os.path.join(work, "store")
        self.port = ports.claim_broker().listen
        conf = os.path.join(work, "broker.conf")
        with open(conf, "w") as file:
            file.write(CONFIG.format(port=self.port, store=self.store, logs=os.path.join(work, "logs")))
        self.command = [os.path.join(options.bin_dir, "mqbroker"), "-c", conf]
        self.process = None

    def start(self):
        self.process = None
        self.process, _ = programs.start(self.command, os.path.join(self.work, "broker.out"), START_SECONDS)

    def end(self, how):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)

    def wire(self):
        return wire.Wire("127.0.0.1", self.port)


def must(answer):
    if answer.code != 0:
        raise RuntimeError(str(answer))
    return answer


def make_topic(connection, topic):
    must(connection.call(17, {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 1, "writeQueueNums": 1, "perm": 6,
                              "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"}))


def make_group(connection, group):
    must(connection.call(200, body=('{"groupName":"%s","consumeEnable":true,"retryQueueNums":1,"retryMaxTimes":16}' % group).encode()))


def commit(connection, offset):
    must(connection.call(15, {"consumerGroup": "billing", "topic": "Orders", "queueId": 0, "commitOffset": offset}))


def await_message(connection, topic):
    deadline = time.monotonic() + START_SECONDS
    while int(must(connection.call(30, {"topic": topic, "queueId": 0})).ext["offset"]) == 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing came to {topic}")
        time.sleep(0.05)


def fill(broker):
    """Every table is written twice, so that its backup holds what matters as well."""
    for offset, more in ((5, "first"), (7, "second")):
        broker.start()
        with broker.wire() as connection:
            if offset == 5:
                make_topic(connection, "Orders")
                make_group(connection, "billing")
            make_topic(connection, "Topic-" + more)
            make_group(connection, "group-" + more)
            for number in range(MESSAGES // 2):
                body = f"{more} {number}".encode()
                must(connection.call(310, wire.send_fields("Orders", properties=f"KEYS\x01{more}-{number}\x02"), body))
            must(connection.call(310, wire.send_fields("Topic-" + more, properties="DELAY\x011\x02"), b"in a second"))
            await_message(connection, "Topic-" + more)  # So that there is progress to write down.
            commit(connection, offset)
        broker.end(signal.SIGTERM)


def check(broker):
    """What must be there whichever of a table and its backup answered."""
    with broker.wire() as connection:
        bodies = []
        while len(bodies) < MESSAGES:
            answer = must(connection.call(11, wire.pull_fields("Orders", 0, len(bodies))))
            bodies += [record.body.decode() for record in wire.records(answer.body)]
        if bodies != [f"{more} {number}" for more in ("first", "second") for number in range(MESSAGES // 2)]:
            raise RuntimeError(f"other messages: {bodies}")
        if b'"Orders"' not in must(connection.call(21)).body:
            raise RuntimeError("the topic is gone")
        if b'"billing"' not in must(connection.call(201)).body:
            raise RuntimeError("the group is gone")
        offset = int(must(connection.call(14, {"consumerGroup": "billing", "topic": "Orders", "queueId": 0})).ext["offset"])
        if offset not in (5, 7):
            raise RuntimeError(f"the group's offset is {offset}")
        sent = must(connection.call(310, wire.send_fields("Orders"), b"life goes on"))
        if int(sent.ext["queueOffset"]) != MESSAGES:
            raise RuntimeError(f"the next message got offset {sent.ext['queueOffset']}")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def ruin(path, how):
    if how == "missing":
        os.remove(path)
    else:
        write(path, b"" if how == "empty" else GARBAGE)


def add_junk(store):
    folders = [folder for folder, _, _ in os.walk(store)]
    for folder in folders:
        write(os.path.join(folder, "junk.txt"), b"not a store file")
        os.makedirs(os.path.join(folder, "junk.folder"))
        write(os.path.join(folder, "junk.folder", "00000000000000000000"), b"no log either")


def cases():
    """Name, what is done to the store, whether the broker may start, and the word that it must say otherwise."""
    for table in TABLES:
        for how in ("missing", "empty", "garbage"):
            yield f"{table} {how}", lambda store, table=table, how=how: ruin(os.path.join(store, "config", table), how), None

        def both(store, table=table):
            for name in (table, table + ".bak"):
                ruin(os.path.join(store, "config", name), "garbage")
        yield f"{table} and its backup garbage", both, table
    for how in ("missing", "empty", "garbage"):
        yield f"checkpoint {how}", lambda store, how=how: ruin(os.path.join(store, "checkpoint"), how), None
    yield "abort empty", lambda store: write(os.path.join(store, "abort"), b""), None
    yield "abort garbage", lambda store: write(os.path.join(store, "abort"), b"\xff no pid"), None
    yield "lock garbage", lambda store: write(os.path.join(store, "lock"), GARBAGE), None
    yield "index folder missing", lambda store: shutil.rmtree(os.path.join(store, "index")), None
    yield "junk in every folder", add_junk, None


def run_case(broker, saved, damage, refusal):
    shutil.rmtree(broker.store, ignore_errors=True)
    shutil.copytree(saved, broker.store)
    damage(broker.store)
    try:
        broker.start()
    except programs.Ended as refused:
        if refusal is None or refusal not in str(refused):
            raise RuntimeError(f"it does not start: {refused}") from refused
        if refused.exit_code < 0:
            raise RuntimeError(f"it crashed: {refused}") from refused
        return
    if refusal is not None:
        raise RuntimeError("it starts as if nothing had happened")
    check(broker)
    broker.end(signal.SIGTERM)
    broker.start()  # And again, from what it made of it.
    with broker.wire() as connection:
        must(connection.call(11, wire.pull_fields("Orders", 0, MESSAGES)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    parser.add_argument("--case", default="", help="cases whose name contains this alone")
    options = parser.parse_args()
    options.bin_dir = os.path.abspath(options.bin_dir)
    work = tempfile.mkdtemp(prefix="skylark-damaged-")
    broker = Broker(options, work)
    passed = failed = 0
    try:
        fill(broker)
        saved = os.path.join(work, "saved")
        shutil.copytree(broker.store, saved)
        for name, damage, refusal in cases():
            if options.case not in name:
                continue
            try:
                run_case(broker, saved, damage, refusal)
                passed += 1
                print(f"CASE {name} pass", flush=True)
            except Exception as error:
                failed += 1
                print(f"CASE {name} FAIL {error}", flush=True)
            finally:
                broker.end(signal.SIGKILL)
    finally:
        broker.end(signal.SIGKILL)
        shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
