#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replicas across the two: an Apache RocketMQ 5.3.3 slave follows our master, and our slave follows a Java master.

Each slave is killed halfway and catches up; then its log must be the master's byte for byte over more than three files, and
every message is read from it. Ends with `N passed, N failed`.
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat"))
from harness import servers, stores, toolbox, verdicts  # noqa: E402  (needs the path above)
from harness.stores import ask, wire  # noqa: E402

FILE_SIZE, MESSAGES, TOPIC, HA_STATUS = 1 << 20, 4000, "Mixed", 907
SETTINGS = {"mappedFileSizeCommitLog": str(FILE_SIZE), "slaveReadEnable": "true", "registerNameServerPeriod": "10000"}


def send_some(connection, numbers):
    """1 KB bodies in two queues; several requests are under way at once."""
    waiting = []
    for number in numbers:
        text = f"KEYS\x01k{number}\x02TAGS\x01t{number % 3}\x02"
        waiting.append(connection.send(stores.SEND, wire.send_fields(TOPIC, number % 2, text), b"%d " % number + b"x" * 1000))
        if len(waiting) == 32:
            while waiting:
                answer = connection.wait(waiting.pop(0))
                if answer.code != stores.SUCCESS:
                    raise RuntimeError(f"send: {answer}")
    for opaque in waiting:
        connection.wait(opaque)


def log_bytes(broker, end):
    """The log up to a physical offset; shorter when files are missing."""
    parts = []
    for begin in range(0, end, FILE_SIZE):
        path = os.path.join(broker.store_folder, "commitlog", f"{begin:020d}")
        if not os.path.exists(path):
            break
        with open(path, "rb") as file:
            parts.append(file.read(min(FILE_SIZE, end - begin)))
    return b"".join(parts)


def everything(broker):
    try:
        with stores.connect(broker) as connection:
            return [stores.pull_all(connection, TOPIC, queue_id) for queue_id in (0, 1)]
    except (RuntimeError, OSError, KeyError):  # The topic is not known here yet.
        return None


def follow(folder, name, master_flavour, slave_flavour, brokers, ours):
    name_server = servers.NameServer(ours, folder, name + "-namesrv")
    brokers.append(name_server)
    name_server.start()

    def broker(flavour, place, settings):
        made = servers.Broker(flavour, folder, name_server.address, {**SETTINGS, **settings, "brokerName": "broker-a"}, f"{name}-{place}")
        brokers.append(made)
        return made.start()

    master = broker(master_flavour, "master", {})
    with stores.connect(master) as connection:
        ask(connection, stores.UPDATE_TOPIC, {"topic": TOPIC, "defaultTopic": "TBW102", "readQueueNums": 2, "writeQueueNums": 2, "perm": 6,
                                              "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"})
    slave = broker(slave_flavour, "slave", {"brokerRole": "SLAVE", "brokerId": "1"})
    with stores.connect(master) as connection:
        # A replica without a log is sent the newest file alone, by either master: it must be there from the start, and have something.
        stores.eventually(lambda: json.loads(ask(connection, HA_STATUS).body)["haConnectionInfo"], "the slave's connection", 180)
        send_some(connection, range(MESSAGES // 2))
        stores.eventually(lambda: log_bytes(slave, 65536) == log_bytes(master, 65536), "the start of the log at the slave", 180)
        slave.kill()
        send_some(connection, range(MESSAGES // 2, MESSAGES))
        slave.start()
        end = json.loads(ask(connection, HA_STATUS).body)["masterCommitLogMaxOffset"]
    if end <= 4 * FILE_SIZE:
        raise RuntimeError(f"the log holds {end} bytes: too few files to tell")
    stores.eventually(lambda: log_bytes(slave, end) == log_bytes(master, end), "the slave's log to be the master's", 180)
    wanted = everything(master)
    if [len(queue) for queue in wanted] != [MESSAGES // 2, MESSAGES // 2]:
        raise RuntimeError(f"the master serves {[len(queue) for queue in wanted]} messages")
    stores.eventually(lambda: everything(slave) == wanted, "the slave to serve what the master serves", 180)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin-dir", default=toolbox.DEFAULT_BIN_FOLDER, help="folder with mqbroker and mqnamesrv")
    parser.add_argument("--build-dir", default=toolbox.DEFAULT_BUILD_FOLDER, help="where the Java parts are built")
    options = parser.parse_args()
    ours, java = servers.Skylark(options.bin_dir), servers.Java(options.build_dir)
    folder = tempfile.mkdtemp(prefix="skylark-mixed-")
    tally, started = verdicts.Tally(), []
    try:
        # The kernel ends a server with the thread that started it: the pool keeps its threads until all is over.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            futures = {"a Java slave follows our master": pool.submit(follow, folder, "java-slave", ours, java, started, ours),
                       "our slave follows a Java master": pool.submit(follow, folder, "java-master", java, ours, started, ours)}
            for name, future in futures.items():
                try:
                    future.result()
                    tally.record(name)
                except (RuntimeError, OSError, KeyError, ValueError, wire.Closed) as error:
                    tally.record(name, f"{type(error).__name__}: {error}")
            for server in started:
                if isinstance(server, servers.Broker) and server.process:
                    server.process.kill()
    finally:
        for server in started:
            server.release()
        if tally.failed or not tally.passed:
            print(f"---- logs kept in {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return tally.close()


if __name__ == "__main__":
    sys.exit(verdicts.run_to_closing_line(main))
