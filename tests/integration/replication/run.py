# SPDX-License-Identifier: Apache-2.0
"""Two brokers of one group as real processes: the slave is killed under load and catches up, its log is the master's byte for byte,
its metadata follows, it serves readers when the master is gone, and SYNC_MASTER answers 12 when a wanted replica is away.

Ends with `N passed, N failed`.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import ports  # noqa: E402
import wire  # noqa: E402

FILE_SIZE = 1048576
SEND, PULL, QUERY_OFFSET, COMMIT_OFFSET, SEARCH_OFFSET, MAX_OFFSET, CREATE_TOPIC, CREATE_GROUP, ROUTE, HA_STATUS = (
    310, 11, 14, 15, 29, 30, 17, 200, 105, 907)


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def eventually(question, what, seconds=90):
    """Asks until the answer is true; exceptions count as not yet."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            last = question()
            if last:
                return last
        except (OSError, wire.Closed, ValueError, KeyError) as error:
            last = error
        time.sleep(0.1)
    raise Failure(f"{what}: not within {seconds} s, last {last!r}")


class Cluster:
    def __init__(self, bin_dir):
        self.bin = bin_dir
        self.work = tempfile.mkdtemp(prefix="skylark-replication-")
        self.claims = []
        self.processes = {}
        self.namesrv_port = self.claim(ports.claim_plain()).number
        self.master_port = self.claim(ports.claim_broker()).listen
        self.slave_port = self.claim(ports.claim_broker()).listen
        self.write("namesrv.conf", f"listenPort={self.namesrv_port}\nlogDir={self.work}/logs-namesrv\n")

    def claim(self, claim):
        self.claims.append(claim)
        return claim

    def write(self, name, text):
        with open(os.path.join(self.work, name), "w") as file:
            file.write(text)

    def start(self, name, program, *arguments):
        path = os.path.join(self.work, name + ".out")
        with open(path, "wb") as out:
            process = subprocess.Popen([os.path.join(self.bin, program), *arguments], stdout=out, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL)
        self.processes[name] = process

        def booted():
            with open(path, errors="replace") as file:
                text = file.read()
            check(process.poll() is None or "boot success" in text, f"{name} ended: {text}")
            return "boot success" in text
        eventually(booted, f"{name} boots")
        return process

    def start_namesrv(self):
        self.start("namesrv", "mqnamesrv", "-c", f"{self.work}/namesrv.conf")

    def start_broker(self, name, port, broker_id, role, extra=""):
        self.write(f"{name}.conf", f"brokerClusterName=DefaultCluster\nbrokerName=broker-a\nbrokerId={broker_id}\nbrokerRole={role}\n"
                   f"brokerIP1=127.0.0.1\nbrokerIP2=127.0.0.1\nlistenPort={port}\nhaListenPort={port + 1}\n"
                   f"storePathRootDir={self.work}/{name}\nlogDir={self.work}/logs-{name}\nmappedFileSizeCommitLog={FILE_SIZE}\n"
                   f"slaveReadEnable=true\nmessageDelayLevel=1s 1s 2s 3s\nregisterNameServerPeriod=10000\n{extra}")
        return self.start(name, "mqbroker", "-c", f"{self.work}/{name}.conf", "-n", f"127.0.0.1:{self.namesrv_port}")

    def start_master(self, role="ASYNC_MASTER", extra=""):
        return self.start_broker("master", self.master_port, 0, role, extra)

    def start_slave(self):
        return self.start_broker("slave", self.slave_port, 1, "SLAVE")

    def kill(self, name):
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def master(self):
        return wire.Wire("127.0.0.1", self.master_port)

    def slave(self):
        return wire.Wire("127.0.0.1", self.slave_port)

    def end(self, failed):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        if failed:
            for name in ("master", "slave"):
                for path in (f"{self.work}/{name}.out", f"{self.work}/logs-{name}/broker.log"):
                    if os.path.exists(path):
                        with open(path, errors="replace") as file:
                            print(f"--- {path}\n{file.read()[-3000:]}")
        shutil.rmtree(self.work, ignore_errors=True)


def master_end(cluster):
    with cluster.master() as connection:
        answer = connection.call(HA_STATUS)
    check(answer.code == 0, f"HA status of the master: {answer}")
    return json.loads(answer.body)["masterCommitLogMaxOffset"]


def caught_up(cluster):
    """True when a connected replica has acknowledged the master's end."""
    with cluster.master() as connection:
        status = json.loads(connection.call(HA_STATUS).body)
    return any(item["slaveAckOffset"] == status["masterCommitLogMaxOffset"] for item in status["haConnectionInfo"])


def create_topic(connection, topic, queues=4):
    answer = connection.call(CREATE_TOPIC, {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": queues, "writeQueueNums": queues,
                                            "perm": 6, "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"})
    check(answer.code == 0, f"create topic: {answer}")


class Load(threading.Thread):
    """Sends bodies of 1 KB to the master until told to stop."""

    def __init__(self, cluster, topic):
        super().__init__()
        self.cluster = cluster
        self.topic = topic
        self.stopping = threading.Event()
        self.sent = 0
        self.error = None

    def run(self):
        try:
            with self.cluster.master() as connection:
                while not self.stopping.is_set():
                    number = self.sent
                    answer = connection.call(SEND, wire.send_fields(self.topic, number % 4, f"KEYS\x01k{number}\x02"),
                                             (f"message {number} ".encode() * 64)[:1024])
                    if answer.code != 0:
                        raise Failure(f"send: {answer}")
                    self.sent += 1
        except Exception as error:  # Reported by `finish`.
            self.error = error

    def finish(self):
        self.stopping.set()
        self.join()
        check(self.error is None, f"the load ended: {self.error!r}")


def log_bytes(folder):
    """File name → content."""
    contents = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            contents[name] = file.read()
    return contents


def check_same_log(cluster, end):
    master = log_bytes(f"{cluster.work}/master/commitlog")
    slave = log_bytes(f"{cluster.work}/slave/commitlog")
    compared = 0
    for name, content in slave.items():
        base = int(name)
        used = max(0, min(FILE_SIZE, end - base))
        if used == 0:
            continue
        check(name in master, f"the slave has {name}, the master has not")
        check(content[:used] == master[name][:used], f"{name} differs within the first {used} bytes")
        compared += 1
    check(compared >= 3, f"only {compared} files were compared")


def slave_is_killed_under_load_and_catches_up(cluster):
    with cluster.master() as connection:
        create_topic(connection, "Replicated")
        answer = connection.call(CREATE_GROUP, body=json.dumps({"groupName": "Readers", "retryMaxTimes": 7}).encode())
        check(answer.code == 0, f"create group: {answer}")
    eventually(lambda: caught_up(cluster), "the slave follows")
    load = Load(cluster, "Replicated")
    load.start()
    try:
        first = eventually(lambda: master_end(cluster) > FILE_SIZE * 5 // 4 and load.sent, "a file and a quarter are written")
        cluster.kill("slave")
        eventually(lambda: load.sent > first + 1000, "the master goes on alone")
        cluster.start_slave()
        eventually(lambda: master_end(cluster) > FILE_SIZE * 7 // 2, "three files and a half are written")
    finally:
        load.finish()
    eventually(lambda: caught_up(cluster), "the slave catches up")
    check_same_log(cluster, master_end(cluster))


def metadata_follows(cluster):
    with cluster.master() as connection:
        for queue in range(4):
            answer = connection.call(COMMIT_OFFSET, {"consumerGroup": "Readers", "topic": "Replicated", "queueId": queue,
                                                     "commitOffset": 10 + queue})
            check(answer.code == 0, f"commit: {answer}")
        answer = connection.call(SEND, wire.send_fields("Replicated", 0, "DELAY\x011\x02"), b"delayed")
        check(answer.code == 0, f"delayed send: {answer}")

    def same_offsets():
        with cluster.slave() as connection:
            return all(connection.call(QUERY_OFFSET, {"consumerGroup": "Readers", "topic": "Replicated", "queueId": queue}).ext.get("offset")
                       == str(10 + queue) for queue in range(4))
    eventually(same_offsets, "consumer offsets follow")

    def bodies(code):
        with cluster.master() as master, cluster.slave() as slave:
            return [connection.call(code).body.decode() for connection in (master, slave)]

    def same_topics():
        master, slave = bodies(21)
        return json.loads(master)["topicConfigTable"] == json.loads(slave)["topicConfigTable"]
    eventually(same_topics, "topics follow")

    def same_groups():
        master, slave = bodies(201)
        return json.loads(slave)["subscriptionGroupTable"]["Readers"]["retryMaxTimes"] == 7 and (
            json.loads(master)["subscriptionGroupTable"] == json.loads(slave)["subscriptionGroupTable"])
    eventually(same_groups, "groups follow")

    def same_delay_progress():
        with cluster.master() as connection:
            wanted = re.search(r'"offsetTable":\{(.*?)\}', re.sub(r"\s", "", connection.call(45).body.decode()))
        with open(f"{cluster.work}/slave/config/delayOffset.json") as file:
            found = re.search(r'"offsetTable":\{(.*?)\}', re.sub(r"\s", "", file.read()))
        return wanted and found and wanted.group(1) and wanted.group(1) == found.group(1)
    eventually(same_delay_progress, "delay progress follows")


def consumers_go_on_from_the_slave(cluster):
    eventually(lambda: caught_up(cluster), "the slave has everything")
    with cluster.master() as connection:
        ends = [int(connection.call(MAX_OFFSET, {"topic": "Replicated", "queueId": queue}).ext["offset"]) for queue in range(4)]
    cluster.kill("master")

    def route_shows_slave():
        with wire.Wire("127.0.0.1", cluster.namesrv_port) as connection:
            answer = connection.call(ROUTE, {"topic": "Replicated", "acceptStandardJsonOnly": "true"})
        addresses = json.loads(answer.body)["brokerDatas"][0]["brokerAddrs"]
        return addresses == {"1": f"127.0.0.1:{cluster.slave_port}"}
    eventually(route_shows_slave, "the route shows the slave alone")
    with cluster.slave() as connection:
        for queue in range(4):
            offset, seen = 0, []
            while offset < ends[queue]:
                answer = connection.call(PULL, wire.pull_fields("Replicated", queue, offset))
                check(answer.code == 0, f"pull of queue {queue} at {offset} of {ends[queue]}: {answer}")
                seen += [record.queue_offset for record in wire.records(answer.body)]
                offset = int(answer.ext["nextBeginOffset"])
            check(seen == list(range(ends[queue])), f"queue {queue}: {len(seen)} of {ends[queue]} messages in order")
        answer = connection.call(SEND, wire.send_fields("Replicated"), b"refused")
        check(answer.code in (2, 14), f"a slave takes no message: {answer}")


def missing_replica_is_told(cluster):
    cluster.kill("slave")
    cluster.start_master("SYNC_MASTER", "inSyncReplicas=2\nslaveTimeout=1000\n")
    with cluster.master() as connection:
        end = int(connection.call(MAX_OFFSET, {"topic": "Replicated", "queueId": 1}).ext["offset"])
        answer = connection.call(SEND, wire.send_fields("Replicated", 1), b"nobody follows")
        check(answer.code == 12, f"code 12 is wanted without the replica: {answer}")
        check(answer.ext.get("queueOffset") == str(end), f"the message is stored and says where: {answer}")
        answer = connection.call(PULL, wire.pull_fields("Replicated", 1, end))
        check(answer.code == 0 and wire.records(answer.body)[0].body == b"nobody follows", f"the message is stored: {answer}")
        answer = connection.call(SEND, wire.send_fields("Replicated", 1, "WAIT\x01false\x02"), b"does not wait")
        check(answer.code == 0, f"WAIT=false waits for nobody: {answer}")
    cluster.start_slave()
    eventually(lambda: caught_up(cluster), "the slave is back")
    with cluster.master() as connection:
        answer = connection.call(SEND, wire.send_fields("Replicated", 1), b"replicated")
        check(answer.code == 0, f"with the replica the send succeeds: {answer}")


CASES = [slave_is_killed_under_load_and_catches_up, metadata_follows, consumers_go_on_from_the_slave, missing_replica_is_told]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    options = parser.parse_args()
    cluster = Cluster(os.path.abspath(options.bin_dir))
    passed = failed = 0
    try:
        cluster.start_namesrv()
        cluster.start_master()
        cluster.start_slave()
        for case in CASES:  # One story: each case goes on where the last one ended.
            case(cluster)
            passed += 1
            print(f"CASE {case.__name__} PASS", flush=True)
    except Exception as error:  # The story ends here.
        failed = len(CASES) - passed
        print(f"CASE {CASES[passed].__name__} FAIL {type(error).__name__}: {error}", flush=True)
    finally:
        cluster.end(failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
